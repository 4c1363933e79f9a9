{# The parents that rows of an entity name, the one with most files first. #}
{% macro ranked_parents(key, parents) -%}
    select
        {{ key }},
        {{ parents | join(', ') }},
        row_number() over (partition by {{ key }} order by sum(file_count) desc, {{ parents | join(', ') }}) as place
    from staged
    group by {{ key }}, {{ parents | join(', ') }}
{%- endmacro %}
