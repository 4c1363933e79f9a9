{% macro deid_shift_datetime(value, column) %}
    {% do require_type(column, ['timestamp']) %}
    {% do require_patient(column) %}
    {{ return("deid.shift_datetime(" ~ value ~ ", shift_days)") }}
{% endmacro %}
