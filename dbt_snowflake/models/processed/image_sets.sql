-- The number of images per patient, study, series and device. All counts are computed from it.
{{ config(materialized='ephemeral') }}

with images as (
    select * from {{ ref('processed_images') }}
),

final as (
    select
        patient_key,
        study_key,
        series_key,
        device_key,
        count(*) as image_count
    from images
    group by patient_key, study_key, series_key, device_key
)

select * from final
