{# The columns whose value was removed from this row because it identifies the patient. #}
{% macro leaked_cells(columns) %}
    {% set leaked = [] %}
    {% for column in columns if column.function in ['keep', 'keep_code'] and column.type == 'text' and column.vr != 'UI' %}
        {% do leaked.append("case when " ~ is_leaked(column) ~ " then '" ~ column.column_name ~ "' end") %}
    {% endfor %}
    {# in a sequence, only the code that identifies the patient is removed #}
    {% for column in columns if column.function == 'clean_sequence' %}
        {% do leaked.append("case when leaked_" ~ column.column_name ~ " then '" ~ column.column_name ~ "' end") %}
    {% endfor %}
    {{ return(array_construct_compact(leaked)) }}
{% endmacro %}
