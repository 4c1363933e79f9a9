{# Whole days from one date to a later one. #}
{% macro days_between(start, end) %}{{ return(adapter.dispatch('days_between')(start, end)) }}{% endmacro %}

{% macro default__days_between(start, end) %}{{ return("date_diff('day', " ~ start ~ ", " ~ end ~ ")") }}{% endmacro %}

{% macro snowflake__days_between(start, end) %}{{ return("datediff('day', " ~ start ~ ", " ~ end ~ ")") }}{% endmacro %}
