{# The parents of each entity: first that of the top version of the study, then the parent with the most images. #}
{% macro ranked_parents(key, parents) -%}
    select
        {{ key }},
        {{ parents | join(', ') }},
        row_number() over (
            partition by {{ key }} order by max(is_top_version) desc, sum(image_count) desc, {{ parents | join(', ') }}
        ) as parent_rank
    from image_sets
    group by {{ key }}, {{ parents | join(', ') }}
{%- endmacro %}
