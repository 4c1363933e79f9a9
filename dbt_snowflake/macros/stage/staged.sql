{# The whole body of a staged model: rows of the partitions that the table does not have as they are now. #}
{% macro staged(table_name) -%}
{{ require_private_zone() }}
with partitions as (
    select * from ({{ current_partitions(table_name) }}) as now
    {%- if is_partial_build() %}
    where (period_key, stage_version) not in (select period_key, stage_version from {{ this }})
    {%- endif %}
),

raw_rows as (
    select
        raw.*,
        partitions.period_key,
        partitions.stage_version,
        vault.ki,
        vault.ko
    from ({{ raw_rows(table_name) }}) as raw
    inner join partitions on raw.study_period = partitions.study_period
    cross join {{ source('vault', 'keys') }} as vault
),

identity_rows as (
    {{ with_vault(source('raw', 'identity_terms')) }}
),

-- dbt takes the word null in a seed for no value.
listed_words as (
    select 'null' as word
    union
    select word from {{ ref('allowed_words') }}
    union
    select word from {{ ref('allowed_words_site') }}
),

listed_terms as (
    select attribute, term from {{ ref('defined_terms') }}
),

{{ staged_body(table_name) }}

select * from final
{%- endmacro %}
