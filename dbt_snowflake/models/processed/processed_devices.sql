with staged as (
    select *, {{ preference() }} as preference from {{ ref('staged_devices') }}
),

image_sets as (
    select * from {{ ref('image_sets') }}
),

attributes as (
    select
        device_key,
        {{ distinct_elements('software_versions') }} as software_versions,
        {{- preferred_attributes(attribute_names('devices', except=['software_versions'])) }}
    from staged
    where device_key is not null
    group by device_key
),

contents as (
    select
        device_key,
        count(distinct series_key) as series_count,
        count(distinct study_key) as study_count,
        sum(image_count) as image_count
    from image_sets
    group by device_key
),

final as (
    select
        attributes.*,
        {{ has_elements('attributes.conflicting_attributes') }} as has_conflict,
        {{ counts_or_zero(['series_count', 'study_count', 'image_count']) }}
    from attributes
    left join contents on attributes.device_key = contents.device_key
)

select * from final
