-- How many images each patient has of each study, series and device: what counts are made of.
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
