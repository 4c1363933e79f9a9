{# SHA-256 of a text in lower-case hexadecimal. #}
{% macro sha256(value) %}{{ return("sha256(" ~ value ~ ")") }}{% endmacro %}
