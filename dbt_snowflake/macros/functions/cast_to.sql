{# A call of the SQL function that converts a raw text to a type of the mapping. #}
{% macro cast_to(value, type) %}
    {{ return(value if type == 'text' else "dicom.to_" ~ type ~ "(" ~ value ~ ")") }}
{% endmacro %}
