{# The columns whose value was taken out of this row because it told who the patient is. #}
{% macro leaked_cells(columns) %}
    {% set leaked = [] %}
    {% for column in columns if column.function in ['keep', 'keep_code'] and column.type == 'text' %}
        {% do leaked.append("case when " ~ is_leaked(column) ~ " then '" ~ column.column_name ~ "' end") %}
    {% endfor %}
    {{ return(array_of_present(leaked)) }}
{% endmacro %}
