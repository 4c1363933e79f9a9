-- One row per patient and study: date, time, and the measurements of the patient that change between visits.
{{ config(materialized='ephemeral') }}

with patients as (
    select *, {{ preference() }} as preference from {{ ref('staged_patients') }}
),

studies as (
    select *, {{ preference() }} as preference from {{ ref('staged_studies') }}
),

moments as (
    select
        patient_key,
        study_key,
        {{ preferred_value('study_date', 'preference') }} as study_date,
        {{ preferred_value('study_time', 'preference') }} as study_time
    from studies
    group by patient_key, study_key
),

measures as (
    select
        patient_key,
        study_key,
        {{ preferred_value('patient_age', 'preference') }} as patient_age,
        {{ preferred_value('patient_size', 'preference') }} as patient_size,
        {{ preferred_value('patient_weight', 'preference') }} as patient_weight
    from patients
    group by patient_key, study_key
),

final as (
    select
        moments.*,
        measures.patient_age,
        measures.patient_size,
        measures.patient_weight,
        row_number() over (
            partition by moments.patient_key
            order by moments.study_date nulls last, moments.study_time nulls last, moments.study_key
        ) as visit_number
    from moments
    left join measures
        on moments.patient_key = measures.patient_key
        and moments.study_key = measures.study_key
)

select * from final
