{# A word with a space wherever its letters' case says that a new one begins: mDIXONQuant, m DIXON Quant. #}
{% macro split_camel_case(value) %}{{ return(adapter.dispatch('split_camel_case')(value)) }}{% endmacro %}

{% macro default__split_camel_case(value) %}
    {{ return(
        "regexp_replace(regexp_replace(" ~ value ~ ", '([a-z])([A-Z])', '\\1 \\2', 'g'), '([A-Z])([A-Z][a-z])', '\\1 \\2', 'g')"
    ) }}
{% endmacro %}

{% macro snowflake__split_camel_case(value) %}
    {{ return(
        "regexp_replace(regexp_replace(" ~ value ~ ", '([a-z])([A-Z])', '\\\\1 \\\\2'), '([A-Z])([A-Z][a-z])', '\\\\1 \\\\2')"
    ) }}
{% endmacro %}
