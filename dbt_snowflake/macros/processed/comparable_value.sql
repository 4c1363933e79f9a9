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

{# An age string of PS3.5 (three digits and Y, M, W or D) in years. #}
{% macro years_of_age(name) %}
    {{ return(
        "cast(substr(" ~ name ~ ", 1, 3) as " ~ type_name('double') ~ ") / cast(case substr(" ~ name ~ ", 4, 1)"
        ~ " when 'Y' then 1 when 'M' then 12 when 'W' then 52.18 else 365.25 end as " ~ type_name('double') ~ ")"
    ) }}
{% endmacro %}
