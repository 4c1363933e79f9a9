{# The columns whose raw value could not be converted to the type or form of the column. #}
{% macro failed_casts(columns) %}
    {% set failed = [] %}
    {% for column in columns if not nulls_all(column) %}
        {% set value = quote_name(column.column_name) %}
        {% set clean = "clean_" ~ column.column_name %}
        {% set lost = array_has_failed_cast(clean, value) if column.is_array else value ~ " is not null and " ~ clean ~ " is null" %}
        {% if column.function in ['keep', 'keep_code'] and column.type == 'text' and column.vr != 'UI' %}
            {% set lost = lost ~ " and not " ~ is_leaked(column) %}
        {% endif %}
        {% do failed.append("case when " ~ lost ~ " then '" ~ column.column_name ~ "' end") %}
    {% endfor %}
    {{ return(array_construct_compact(failed)) }}
{% endmacro %}
