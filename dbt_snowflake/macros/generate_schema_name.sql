{# Schemas are named internal, stage and processed, without the target's schema as a prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ build_schema(custom_schema_name or target.schema) }}
{%- endmacro %}
