{#
    Creates the SQL functions of stage, when dbt starts. DuckDB calls them macros: it replaces a call by the
    function's expression, so they cost nothing.
#}
{% macro create_functions() %}
    {% if target.type == 'duckdb' %}{{ return(function_definitions()) }}{% endif %}
    {{ return('') }}
{% endmacro %}

{% macro function_definitions() %}{{ return(dicom_functions() ~ deid_functions()) }}{% endmacro %}
