{# The engine's name for a type of the mapping, as in its catalog. #}
{% macro type_name(type, is_array=false) %}{{ return(adapter.dispatch('type_name')(type, is_array)) }}{% endmacro %}

{% macro default__type_name(type, is_array) %}
    {% set names = {
        'text': 'VARCHAR', 'integer': 'BIGINT', 'double': 'DOUBLE', 'date': 'DATE',
        'time': 'TIME', 'timestamp': 'TIMESTAMP', 'json': 'JSON',
    } %}
    {{ return(names[type] ~ ('[]' if is_array else '')) }}
{% endmacro %}

{% macro snowflake__type_name(type, is_array) %}
    {% set names = {
        'text': 'VARCHAR', 'integer': 'NUMBER', 'double': 'FLOAT', 'date': 'DATE',
        'time': 'TIME', 'timestamp': 'TIMESTAMP_NTZ', 'json': 'VARIANT',
    } %}
    {{ return('ARRAY' if is_array else names[type]) }}
{% endmacro %}
