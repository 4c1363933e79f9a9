{# SQL of the value by which patients are compared: the column as it is published, or the number of its bin. #}
{% macro comparable_value(column) %}
    {% set name = quote_name(column.column_name) %}
    {% if column.is_removed %}{{ return("cast(null as " ~ type_name('text') ~ ")") }}{% endif %}
    {% if column.is_array %}{{ return(array_text(name)) }}{% endif %}
    {% if column.bin_width is none %}{{ return(name) }}{% endif %}
    {% set number = years_of_age(name) if column.is_age else "cast(" ~ name ~ " as " ~ type_name('double') ~ ")" %}
    {# 1.2 / 0.1 is a little less than 12 #}
    {{ return("floor(" ~ number ~ " / cast(" ~ column.bin_width ~ " as " ~ type_name('double') ~ ") + 1e-9)") }}
{% endmacro %}
