{# An age string of PS3.5 (three digits and Y, M, W or D) in years; null for a text that has not this form. #}
{% macro years_of_age(name) %}
    {{ return(
        "try_cast(substr(" ~ name ~ ", 1, 3) as " ~ type_name('double') ~ ") / cast(case substr(" ~ name ~ ", 4, 1)"
        ~ " when 'Y' then 1 when 'M' then 12 when 'W' then 52.18 when 'D' then 365.25 end as " ~ type_name('double') ~ ")"
    ) }}
{% endmacro %}

{# The column age_years. Two decimals, so that it says no more than the age string: days stay days. #}
{% macro age_years(name) %}{{ return("round(" ~ years_of_age(name) ~ ", 2)") }}{% endmacro %}
