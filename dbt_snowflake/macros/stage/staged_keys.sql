{# The entity keys in the rows of a table; the key of its own entity is first. #}
{% macro staged_keys(table_name) %}
    {{ return({
        'patients': ['patient_key', 'study_key'],
        'studies': ['study_key', 'patient_key'],
        'series': ['series_key', 'study_key', 'patient_key', 'device_key'],
        'images': ['image_key', 'series_key', 'study_key', 'patient_key', 'device_key'],
        'devices': ['device_key'],
    }[table_name]) }}
{% endmacro %}
