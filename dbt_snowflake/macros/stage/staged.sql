{# The SQL of a staged model: the rows of the partitions whose current version is not in the table. #}
{% macro staged(table_name) -%}
{{ require_private_zone() }}
with partitions as (
    select
        changed.study_period,
        changed.period_key,
        case
            when ready.stage_version is null
                then error('the texts of a partition are not cleaned: build the models before this one too (dbt build --select +staged_{{ table_name }})')
            else changed.stage_version
        end as stage_version
    from ({{ changed_partitions(table_name) }}) as changed
    left join {{ ref('cleaned_partitions') }} as ready
        on ready.table_name = '{{ table_name }}'
        and changed.period_key = ready.period_key
        and changed.stage_version = ready.stage_version
),

keyed as (
    {{ keyed_rows(table_name, 'partitions') }}
),

cleaned_texts as (
    select * from {{ ref('cleaned_texts') }}
),

leaked_values as (
    select * from {{ ref('leaked_values') }} where table_name = '{{ table_name }}'
),

{{ staged_body(table_name) }}

select * from final
{%- endmacro %}
