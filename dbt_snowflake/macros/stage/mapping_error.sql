{# Raises an error that names the table and the column of a line of the mapping. #}
{% macro mapping_error(column, problem) %}
    {% do exceptions.raise_compiler_error("anonymization_mapping, " ~ column.table_name ~ "." ~ column.column_name ~ ": " ~ problem) %}
{% endmacro %}

{% macro require_type(column, types) %}
    {% if column.type not in types %}
        {% do mapping_error(column, column.function ~ " does not apply to type " ~ column.type) %}
    {% endif %}
{% endmacro %}

{% macro require_patient(column) %}
    {% if 'patient_key' not in staged_keys(column.table_name) %}
        {% do mapping_error(column, column.function ~ " needs a patient, and these rows have none") %}
    {% endif %}
{% endmacro %}
