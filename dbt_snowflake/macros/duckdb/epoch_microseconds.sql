{# Microseconds from 1970-01-01 to a timestamp. #}
{% macro epoch_microseconds(value) %}{{ return("epoch_us(" ~ value ~ ")") }}{% endmacro %}
