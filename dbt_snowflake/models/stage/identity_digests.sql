-- A keyed hash of the terms that the texts of a partition are cleaned by. It changes when a patient of
-- the partition gains or loses a term anywhere in the archive: any term can change a cleaned text, since
-- identifiers and dates are found in every form. The row `all` covers all patients.
{{ config(materialized='table', schema='private') }}

{{ require_private_zone() }}

with patients_of_periods as (
    select distinct
        {{ keyed_id('study_period', 'patient_rows.study_period') }} as period_key,
        {{ entity_key('patient_key') }} as patient_key
    from {{ source('raw', 'patients') }} as patient_rows
    cross join {{ source('vault', 'keys') }}
),

users as (
    select * from {{ ref('device_patients') }}
),

terms as (
    select distinct
        {{ entity_key('patient_key') }} as patient_key,
        ki,
        ko,
        unnest(string_split(terms, chr(10))) as term
    from {{ source('raw', 'identity_terms') }}
    cross join {{ source('vault', 'keys') }}
),

patients as (
    select
        patient_key,
        {{ keyed_id('identity_terms', "string_agg(term, chr(10) order by term)") }} as patient_digest
    from terms
    group by patient_key, ki, ko
),

final as (
    select
        patients_of_periods.period_key,
        sha256(string_agg(patients.patient_digest, '' order by patients.patient_key)) as terms_digest
    from patients_of_periods
    inner join patients on patients_of_periods.patient_key = patients.patient_key
    group by patients_of_periods.period_key
    union all
    select
        'all' as period_key,
        sha256(
            string_agg(patient_digest, '' order by patient_key)
            || coalesce((select string_agg(device_key || patient_key, ',' order by device_key, patient_key) from users), '')
        ) as terms_digest
    from patients
)

select * from final
