{# Stage reads raw patient data and keys, so it is built on DuckDB in the private zone, never on a server. #}
{% macro require_private_zone() %}
    {% if execute and target.type != 'duckdb' %}
        {% do exceptions.raise_compiler_error(
            model.name ~ " reads raw patient data: build it with --target local. On Snowflake, select processed only"
        ) %}
    {% endif %}
{% endmacro %}
