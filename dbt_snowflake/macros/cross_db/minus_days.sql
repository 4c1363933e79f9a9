{# A date or a timestamp, some days earlier, of the same type. #}
{% macro minus_days(value, days, type) %}{{ return(adapter.dispatch('minus_days')(value, days, type)) }}{% endmacro %}

{% macro default__minus_days(value, days, type) %}
    {{ return("cast(" ~ value ~ " - to_days(cast(" ~ days ~ " as integer)) as " ~ type_name(type) ~ ")") }}
{% endmacro %}

{% macro snowflake__minus_days(value, days, type) %}
    {{ return("cast(dateadd(day, -(" ~ days ~ "), " ~ value ~ ") as " ~ type_name(type) ~ ")") }}
{% endmacro %}
