{#
    Aggregates for a select list: of each attribute the value that most files have (the greater row
    key decides a tie), and which attributes rows disagree about. Rows need a `preference`.
#}
{% macro preferred_attributes(names) -%}
    {%- set conflicts = [] %}
    {%- for name in names %}
        {{ preferred_value(quote_name(name), 'preference') }} as {{ quote_name(name) }},
        {%- do conflicts.append("case when count(distinct " ~ quote_name(name) ~ ") > 1 then '" ~ name ~ "' end") %}
    {%- endfor %}
        {{ array_of_present(conflicts) }} as conflicting_attributes
{%- endmacro %}

{% macro preference() %}{{ return("lpad(cast(file_count as varchar), 12, '0') || row_key") }}{% endmacro %}
