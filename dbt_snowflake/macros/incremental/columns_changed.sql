{# Whether a table exists with other columns, or other types, than the mapping has now. #}
{% macro columns_changed(relation=this) %}
    {% set table = load_relation(relation) %}
    {% if table is none %}{{ return(false) }}{% endif %}
    {% set expected = {} %}
    {% for column in expected_columns(table.identifier | lower) %}{% do expected.update({column.name: comparable_type(column.type)}) %}{% endfor %}
    {% set actual = {} %}
    {% for column in adapter.get_columns_in_relation(table) %}{% do actual.update({column.name | lower: comparable_type(column.dtype | upper)}) %}{% endfor %}
    {{ return(actual != expected) }}
{% endmacro %}

{% macro expected_columns(name) %}
    {{ return(processed_image_columns() if name == 'processed_images' else staged_columns(name | replace('staged_', ''))) }}
{% endmacro %}
