{% macro deid_anon_text(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return("case when " ~ value ~ " is not null then 'ANONYMIZED' end") }}
{% endmacro %}
