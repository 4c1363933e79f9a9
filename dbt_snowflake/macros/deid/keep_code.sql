{% macro deid_keep_code(value, column) %}
    {% do require_type(column, ['text']) %}
    {% if column.vr != 'CS' and not column.reviewed %}
        {% do mapping_error(column, 'keeps what is not CS without being reviewed') %}
    {% endif %}
    {{ return("deid.keep_code(" ~ value ~ ")") }}
{% endmacro %}
