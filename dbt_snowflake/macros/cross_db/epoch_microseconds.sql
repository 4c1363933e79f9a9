{# Microseconds from 1970-01-01 to a timestamp. #}
{% macro epoch_microseconds(value) %}{{ return(adapter.dispatch('epoch_microseconds')(value)) }}{% endmacro %}

{% macro default__epoch_microseconds(value) %}{{ return("epoch_us(" ~ value ~ ")") }}{% endmacro %}

{% macro snowflake__epoch_microseconds(value) %}{{ return("date_part(epoch_microsecond, " ~ value ~ ")") }}{% endmacro %}
