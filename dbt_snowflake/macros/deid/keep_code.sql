{# Only what has the shape of a Code String: free text in a code column is not kept. #}
{% macro deid_keep_code(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return("case when " ~ matches(value, '[A-Z0-9_ ]{1,16}') ~ " then " ~ value ~ " end") }}
{% endmacro %}
