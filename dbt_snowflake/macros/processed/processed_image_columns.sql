{# The columns of processed_images: staged columns, and the result of the choice between versions. #}
{% macro processed_image_columns() %}
    {{ return(staged_image_columns() + [
        {'name': 'version_rank', 'type': type_name('integer')},
        {'name': 'instance_versions', 'type': type_name('integer')},
        {'name': 'has_conflict', 'type': 'BOOLEAN'},
        {'name': 'model_version', 'type': type_name('text')},
    ]) }}
{% endmacro %}

{# The staged columns of processed_images. #}
{% macro staged_image_columns() %}
    {{ return(staged_columns('images') | rejectattr('name', 'in', [
        'failed_casts', 'leaked_cells', 'base_version', 'header_key', 'instance_precedence', 'version_created',
        'version_file_time', 'file_size',
    ]) | list) }}
{% endmacro %}
