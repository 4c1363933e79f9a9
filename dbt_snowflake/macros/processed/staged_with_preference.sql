{#
    Staged rows with `preference`, which ranks the rows that images refer to: first those of the top version of a
    study, then by number of images, then by row key. It is null for other rows: those of files that are not used.
#}
{% macro staged_with_preference(table_name) -%}
    select
        staged.*,
        cast(used.is_top_version as varchar) || lpad(cast(used.image_count as varchar), 12, '0')
        || staged.row_key || staged.period_key as preference
    from {{ ref('staged_' ~ table_name) }} as staged
    left join (
        select
            {{ table_name }}_row_key as row_key,
            max(is_top_version) as is_top_version,
            sum(image_count) as image_count
        from image_sets
        group by {{ table_name }}_row_key
    ) as used on staged.row_key = used.row_key
{%- endmacro %}

{#
    The rows of each entity with its first parents. Rows of another patient have no preference: they only show
    conflicts.
#}
{% macro rows_of_own_parents(key, parents) -%}
    select
        staged.* exclude (patient_key, preference),
        parents.patient_key,
        case when staged.patient_key = parents.patient_key then staged.preference end as preference
    from staged
    inner join parents
        on staged.{{ key }} = parents.{{ key }}
        {%- for parent in parents if parent != 'patient_key' %}
        and staged.{{ parent }} = parents.{{ parent }}
        {%- endfor %}
        and parents.parent_rank = 1
{%- endmacro %}
