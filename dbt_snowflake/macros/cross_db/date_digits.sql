{# A date as DICOM writes it: YYYYMMDD. #}
{% macro date_digits(value) %}{{ return(adapter.dispatch('date_digits')(value)) }}{% endmacro %}

{% macro default__date_digits(value) %}{{ return("strftime(" ~ value ~ ", '%Y%m%d')") }}{% endmacro %}

{% macro snowflake__date_digits(value) %}{{ return("to_char(" ~ value ~ ", 'YYYYMMDD')") }}{% endmacro %}
