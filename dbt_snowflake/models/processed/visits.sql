-- One row per patient and study with images: date, time, and the measurements of the patient that change between
-- visits. Only the study's own patient has the date and time: they are shifted by the days of that patient.
{{ config(materialized='ephemeral') }}

with image_sets as (
    select * from {{ ref('image_sets') }}
),

patients as (
    {{ staged_with_preference('patients') }}
),

staged as (
    {{ staged_with_preference('studies') }}
),

parents as (
    {{ ranked_parents('study_key', ['patient_key']) }}
),

own_rows as (
    {{ rows_of_own_parents('study_key', ['patient_key']) }}
),

moments as (
    select
        patient_key,
        study_key,
        {{ preferred_value('study_date', 'preference') }} as study_date,
        {{ preferred_value('study_time', 'preference') }} as study_time
    from own_rows
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
        parents.patient_key,
        parents.study_key,
        moments.study_date,
        moments.study_time,
        measures.patient_age,
        measures.patient_size,
        measures.patient_weight,
        row_number() over (
            partition by parents.patient_key
            order by moments.study_date nulls last, moments.study_time nulls last, parents.study_key
        ) as visit_number
    from parents
    left join moments
        on parents.patient_key = moments.patient_key
        and parents.study_key = moments.study_key
    left join measures
        on parents.patient_key = measures.patient_key
        and parents.study_key = measures.study_key
)

select * from final
