{# Raw rows of loaded files. Of several files with equal headers, one is loaded and the others are duplicates. #}
{% macro raw_rows(table_name) %}
    {% set rows = "select * from " ~ source('raw', table_name) %}
    {{ return(rows ~ (" where file_outcome = 'loaded'" if table_name == 'images' else "")) }}
{% endmacro %}
