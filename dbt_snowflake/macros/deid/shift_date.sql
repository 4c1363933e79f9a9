{% macro deid_shift_date(value, column) %}
    {% do require_type(column, ['date']) %}
    {% do require_patient(column) %}
    {{ return("deid.shift_date(" ~ value ~ ", shift_days)") }}
{% endmacro %}
