{# SHA-256 of a text in lower-case hexadecimal. #}
{% macro sha256(value) %}{{ return(adapter.dispatch('sha256')(value)) }}{% endmacro %}

{% macro default__sha256(value) %}{{ return("sha256(" ~ value ~ ")") }}{% endmacro %}

{% macro snowflake__sha256(value) %}{{ return("sha2(" ~ value ~ ", 256)") }}{% endmacro %}
