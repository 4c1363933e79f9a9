{# Cast that gives null instead of an error, because errors quote the value. #}
{% macro try_cast_text(value, type) %}{{ return(adapter.dispatch('try_cast_text')(value, type)) }}{% endmacro %}

{% macro default__try_cast_text(value, type) %}{{ return("try_cast(" ~ value ~ " as " ~ type_name(type) ~ ")") }}{% endmacro %}

{# An integer is one of 64 bits on every engine. #}
{% macro snowflake__try_cast_text(value, type) %}
    {% if type == 'json' %}{{ return("try_parse_json(" ~ value ~ ")") }}{% endif %}
    {% set number = "try_cast(" ~ value ~ " as " ~ type_name(type) ~ ")" %}
    {% if type == 'integer' %}
        {{ return("case when " ~ number ~ " between -9223372036854775808 and 9223372036854775807 then " ~ number ~ " end") }}
    {% endif %}
    {{ return(number) }}
{% endmacro %}
