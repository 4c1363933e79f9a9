{# The entity keys that rows of a table carry, its own first. #}
{% macro staged_keys(table_name) %}
    {{ return({
        'patients': ['patient_key', 'study_key'],
        'studies': ['study_key', 'patient_key'],
        'series': ['series_key', 'study_key', 'patient_key', 'device_key'],
        'images': ['image_key', 'series_key', 'study_key', 'patient_key', 'device_key'],
        'devices': ['device_key'],
    }[table_name]) }}
{% endmacro %}
