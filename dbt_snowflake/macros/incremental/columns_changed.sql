{# Whether the model's table exists with other columns, or other types, than the mapping has now. #}
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
    {{ return(processed_image_columns() if model.name == 'processed_images' else staged_columns(model.name | replace('staged_', ''))) }}
{% endmacro %}
