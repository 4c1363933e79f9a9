{# A column name in quotes: `rows` and `columns` are DICOM attributes and SQL keywords. #}
{% macro quote_name(name) %}{{ return(adapter.dispatch('quote_name')(name)) }}{% endmacro %}

{% macro default__quote_name(name) %}{{ return('"' ~ name ~ '"') }}{% endmacro %}

{% macro snowflake__quote_name(name) %}{{ return('"' ~ name | upper ~ '"') }}{% endmacro %}
