with image_sets as (
    select * from {{ ref('image_sets') }}
),

staged as (
    {{ staged_with_preference('devices') }}
),

attributes as (
    select
        device_key,
        {{ distinct_elements('case when preference is not null then software_versions end') }} as software_versions,
        {{- preferred_attributes(attribute_names('devices', except=['software_versions'])) }}
    from staged
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
        {{ counts(['series_count', 'study_count', 'image_count']) }}
    from attributes
    inner join contents on attributes.device_key = contents.device_key
)

select * from final
