{# How many days a patient's dates go back: whole weeks, so that weekdays stay; 1 to 10 years. #}
{% macro shift_days(patient_key) %}
    {% set digits = "left(" ~ keyed_hash('date_shift', patient_key) ~ ", 15)" %}
    {{ return("7 * (52 + " ~ hex_to_integer(digits) ~ " % 469)") }}
{% endmacro %}
