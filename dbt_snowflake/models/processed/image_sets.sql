-- The number of images per patient, study, series and device, and per version of the study and row of each table. All
-- counts, and the rows that the other tables are made from, are computed from it.
{{ config(materialized='ephemeral') }}

with images as (
    select * from {{ ref('processed_images') }}
),

sets as (
    select
        patient_key,
        study_key,
        series_key,
        device_key,
        version_rank,
        patients_row_key,
        studies_row_key,
        series_row_key,
        devices_row_key,
        count(*) as image_count
    from images
    group by
        patient_key, study_key, series_key, device_key, version_rank, patients_row_key, studies_row_key,
        series_row_key, devices_row_key
),

final as (
    select
        *,
        case when version_rank = min(version_rank) over (partition by study_key) then 1 else 0 end as is_top_version
    from sets
)

select * from final
