{# The columns of processed_images: the staged columns, without technical ones, and the result of the choice between versions. #}
{% macro processed_image_columns() %}
    {% set columns = staged_columns('images') | rejectattr('name', 'in', ['failed_casts', 'leaked_cells', 'base_version', 'header_key', 'instance_precedence', 'file_size']) | list %}
    {% do columns.append({'name': 'instance_versions', 'type': type_name('integer')}) %}
    {% do columns.append({'name': 'has_conflict', 'type': 'BOOLEAN'}) %}
    {% do columns.append({'name': 'model_version', 'type': type_name('text')}) %}
    {{ return(columns) }}
{% endmacro %}
