{#
    A cast that returns null if it fails, because cast errors quote the value. dbt's `safe_cast` does not
    serve: on DuckDB it is a plain cast, and on Snowflake it does not parse JSON. A macro of that name
    here would replace dbt's own, which unit tests use.
#}
{% macro try_cast(value, type) %}{{ return(adapter.dispatch('try_cast')(value, type)) }}{% endmacro %}

{% macro default__try_cast(value, type) %}{{ return("try_cast(" ~ value ~ " as " ~ type_name(type) ~ ")") }}{% endmacro %}

{# An integer has 64 bits, as on DuckDB. #}
{% macro snowflake__try_cast(value, type) %}
    {% if type == 'json' %}{{ return("try_parse_json(" ~ value ~ ")") }}{% endif %}
    {% set number = "try_cast(" ~ value ~ " as " ~ type_name(type) ~ ")" %}
    {% if type == 'integer' %}
        {{ return("case when " ~ number ~ " between -9223372036854775808 and 9223372036854775807 then " ~ number ~ " end") }}
    {% endif %}
    {{ return(number) }}
{% endmacro %}
