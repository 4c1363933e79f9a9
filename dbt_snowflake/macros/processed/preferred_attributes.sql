{#
    Aggregates for a select list: for each attribute the value that most files have (the greatest row key
    decides a tie), and the attributes that have different values. The rows need a column `preference`.
#}
{% macro preferred_attributes(names) -%}
    {%- set conflicts = [] %}
    {%- for name in names %}
        {{ preferred_value(quote_name(name), 'preference') }} as {{ quote_name(name) }},
        {%- do conflicts.append("case when count(distinct " ~ quote_name(name) ~ ") > 1 then '" ~ name ~ "' end") %}
    {%- endfor %}
        {{ array_construct_compact(conflicts) }} as conflicting_attributes
{%- endmacro %}

{# Ranks rows: by number of files, then by row key. #}
{% macro preference() %}{{ return("lpad(cast(file_count as varchar), 12, '0') || row_key") }}{% endmacro %}
