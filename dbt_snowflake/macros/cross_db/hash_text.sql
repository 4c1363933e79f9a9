{# SHA-256 of a text, as lower-case hex. #}
{% macro hash_text(value) %}{{ return(adapter.dispatch('hash_text')(value)) }}{% endmacro %}

{% macro default__hash_text(value) %}{{ return("sha256(" ~ value ~ ")") }}{% endmacro %}

{% macro snowflake__hash_text(value) %}{{ return("sha2(" ~ value ~ ", 256)") }}{% endmacro %}
