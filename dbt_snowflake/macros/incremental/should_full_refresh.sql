{#
    dbt asks this before an incremental build. A table whose columns are not the mapping's any more
    is built anew: to alter its types would cast, and cast errors quote the value.
#}
{% macro should_full_refresh() %}
    {% if config.get('full_refresh') is not none %}{{ return(config.get('full_refresh')) }}{% endif %}
    {{ return(flags.FULL_REFRESH or (execute and model.config.materialized == 'incremental' and columns_changed())) }}
{% endmacro %}

{% macro columns_changed() %}
    {% set table = load_relation(this) %}
    {% if table is none %}{{ return(false) }}{% endif %}
    {% set expected = {} %}
    {% for column in expected_columns() %}{% do expected.update({column.name: comparable_type(column.type)}) %}{% endfor %}
    {% set actual = {} %}
    {% for column in adapter.get_columns_in_relation(table) %}{% do actual.update({column.name | lower: comparable_type(column.dtype | upper)}) %}{% endfor %}
    {{ return(actual != expected) }}
{% endmacro %}

{% macro expected_columns() %}
    {% set kind, table_name = model.name.split('_') %}
    {{ return(staged_columns(table_name) if kind == 'staged' else processed_image_columns()) }}
{% endmacro %}
