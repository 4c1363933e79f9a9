{# A date in the format of the DICOM value representation DA: YYYYMMDD. #}
{% macro dicom_date(value) %}{{ return("strftime(" ~ value ~ ", '%Y%m%d')") }}{% endmacro %}
