{# Number of days by which the dates of a patient are shifted back: 1 to 10 years in whole weeks, which keep the weekday. #}
{% macro shift_days(patient_key) %}
    {% set digits = "left(" ~ keyed_hash('date_shift', patient_key) ~ ", 15)" %}
    {{ return("7 * (52 + " ~ hex_to_integer(digits) ~ " % 469)") }}
{% endmacro %}
