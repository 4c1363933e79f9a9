-- The patient by whom the dates of a study are shifted, for studies whose files name several patients: that of the
-- version with the latest creation time, then with the latest file time. One row per partition, so that a change
-- rebuilds the partitions of the study. The order is that of processed_images.
{{ config(materialized='table', schema='private') }}

{{ require_private_zone() }}

with studies as (
    select distinct
        {{ keyed_id('study_period', 'study_rows.study_period') }} as period_key,
        study_rows.key_study,
        {{ entity_key('study_key') }} as study_key,
        {{ entity_key('patient_key') }} as patient_key
    from {{ source('raw', 'studies') }} as study_rows
    cross join {{ source('vault', 'keys') }}
),

shared as (
    select
        study_key,
        any_value(key_study) as key_study
    from studies
    group by study_key
    having count(distinct patient_key) > 1
),

images as (
    select * from ({{ raw_rows('images') }})
    where key_study in (select key_study from shared)
),

versions as (
    select
        {{ entity_key('study_key') }} as study_key,
        {{ entity_key('patient_key') }} as patient_key,
        {{ study_version_key('study_key', 'patients_row', 'studies_row') }} as study_version_key,
        max(deid.creation_time(key_created)) as created,
        max(deid.file_time(file_mtime_ns)) as file_time
    from images
    cross join {{ source('vault', 'keys') }}
    group by all
),

ranked as (
    select
        study_key,
        patient_key,
        row_number() over (
            partition by study_key
            order by created desc nulls last, file_time desc nulls last, study_version_key desc
        ) as version_rank
    from versions
),

final as (
    select distinct
        studies.period_key,
        studies.study_key,
        ranked.patient_key
    from studies
    inner join ranked on studies.study_key = ranked.study_key
    where ranked.version_rank = 1
)

select * from final
