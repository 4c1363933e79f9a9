{# A date in the format of the DICOM value representation DA: YYYYMMDD. #}
{% macro dicom_date(value) %}{{ return(adapter.dispatch('dicom_date')(value)) }}{% endmacro %}

{% macro default__dicom_date(value) %}{{ return("strftime(" ~ value ~ ", '%Y%m%d')") }}{% endmacro %}

{% macro snowflake__dicom_date(value) %}{{ return("to_char(" ~ value ~ ", 'YYYYMMDD')") }}{% endmacro %}
