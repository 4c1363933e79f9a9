{# The parents of each entity, the parent with the most files first. #}
{% macro ranked_parents(key, parents) -%}
    select
        {{ key }},
        {{ parents | join(', ') }},
        row_number() over (partition by {{ key }} order by sum(file_count) desc, {{ parents | join(', ') }}) as parent_rank
    from staged
    group by {{ key }}, {{ parents | join(', ') }}
{%- endmacro %}
