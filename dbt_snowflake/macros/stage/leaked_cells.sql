{# The columns whose value was taken out of this row because it told who the patient is. #}
{% macro leaked_cells(columns) %}
    {% set leaked = [] %}
    {% for column in columns if column.function in ['keep', 'keep_code'] and column.type == 'text' and column.vr != 'UI' %}
        {% do leaked.append("case when " ~ is_leaked(column) ~ " then '" ~ column.column_name ~ "' end") %}
    {% endfor %}
    {# of a sequence only the code goes that told it #}
    {% for column in columns if column.function == 'clean_sequence' %}
        {% do leaked.append("case when leaked_" ~ column.column_name ~ " then '" ~ column.column_name ~ "' end") %}
    {% endfor %}
    {{ return(array_construct_compact(leaked)) }}
{% endmacro %}
