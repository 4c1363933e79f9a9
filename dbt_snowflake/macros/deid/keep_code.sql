{# Keeps a value that has the form of a Code String. Free text in a code column becomes null. #}
{% macro deid_keep_code(value, column) %}
    {% do require_type(column, ['text']) %}
    {% if column.vr != 'CS' and not column.reviewed %}
        {% do mapping_error(column, 'keeps what is not CS without being reviewed') %}
    {% endif %}
    {{ return("case when " ~ regexp_full_match(value, '[A-Z0-9_ ]{1,16}') ~ " then " ~ value ~ " end") }}
{% endmacro %}
