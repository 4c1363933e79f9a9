{{ config(materialized=view_materialization()) }}

with studies as (
    select * from {{ relation_for_view(ref('processed_studies')) }}
    where study_number is not null
),

ordered as (
    select
        *,
        lag(study_key) over (partition by patient_key order by study_number) as previous_study_key
    from studies
),

final as (
    select
        patient_key,
        study_key,
        previous_study_key,
        study_number,
        days_since_previous_study,
        days_since_first_study,
        modalities
    from ordered
    where previous_study_key is not null
)

select * from final
