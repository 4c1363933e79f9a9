-- The partitions in the raw zone, each with the version that its staged rows should have: a hash of the version of
-- the raw rows, the SQL of the staged table (which differs by profile), the word lists, the cleaning rules, the key,
-- the terms that identify the patients of the partition, the patients by whom dates of shared studies are shifted, and
-- the cells that the leak check found.
{{ config(materialized='table', schema='private') }}

{{ require_private_zone() }}

with periods as (
    {%- for table_name in staged_table_names() %}
    {{ "union all" if not loop.first }}
    select
        '{{ table_name }}' as table_name,
        study_period,
        raw_version,
        '{{ rules_of_table(table_name) }}' as rules_of_table
    from ({{ raw_rows(table_name) }})
    group by all
    {%- endfor %}
),

keyed as (
    select
        periods.*,
        vault.*,
        {{ keyed_id('study_period', 'periods.study_period') }} as period_key,
        -- the rows of devices belong to all patients
        case when periods.table_name = 'devices' then 'all' else period_key end as period_of_terms
    from periods
    cross join {{ source('vault', 'keys') }} as vault
),

-- the rows of devices have no date
date_shifts as (
    select
        period_key,
        sha256(string_agg(study_key || patient_key, ',' order by study_key)) as shifts_digest
    from {{ ref('study_patients') }}
    group by period_key
),

base_versions as (
    select
        keyed.*,
        concat_ws(
            '|', keyed.raw_version, keyed.rules_of_table, rules.rules_version, keyed.key_id,
            coalesce(digests.terms_digest, ''), coalesce(date_shifts.shifts_digest, '')
        ) as inputs,
        {{ keyed_id('stage_version', 'inputs') }} as base_version
    from keyed
    cross join {{ ref('cleaning_rules') }} as rules
    left join {{ ref('identity_digests') }} as digests on keyed.period_of_terms = digests.period_key
    left join date_shifts on keyed.period_of_terms = date_shifts.period_key
),

findings as (
    select
        table_name,
        period_key,
        base_version,
        sha256(string_agg(row_key || ':' || column_name, ',' order by row_key, column_name)) as findings_digest
    from {{ source('private', 'leak_findings') }}
    group by table_name, period_key, base_version
),

final as (
    select
        base_versions.table_name,
        base_versions.period_key,
        base_versions.raw_version,
        base_versions.base_version,
        coalesce(
            {{ keyed_id('stage_version', "base_versions.base_version || '|' || findings.findings_digest") }},
            base_versions.base_version
        ) as stage_version
    from base_versions
    left join findings
        on base_versions.table_name = findings.table_name
        and base_versions.period_key = findings.period_key
        and base_versions.base_version = findings.base_version
)

select * from final
