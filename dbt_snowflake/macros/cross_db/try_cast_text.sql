{# Cast that gives null instead of an error, because errors quote the value. #}
{% macro try_cast_text(value, type) %}{{ return(adapter.dispatch('try_cast_text')(value, type)) }}{% endmacro %}

{% macro default__try_cast_text(value, type) %}{{ return("try_cast(" ~ value ~ " as " ~ type_name(type) ~ ")") }}{% endmacro %}

{% macro snowflake__try_cast_text(value, type) %}
    {% if type == 'json' %}{{ return("try_parse_json(" ~ value ~ ")") }}{% endif %}
    {{ return("try_cast(" ~ value ~ " as " ~ type_name(type) ~ ")") }}
{% endmacro %}
