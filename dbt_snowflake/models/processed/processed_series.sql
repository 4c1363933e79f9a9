with image_sets as (
    select * from {{ ref('image_sets') }}
),

staged as (
    {{ staged_with_preference('series') }}
),

parents as (
    {{ ranked_parents('series_key', ['study_key', 'patient_key']) }}
),

own_rows as (
    {{ rows_of_own_parents('series_key', ['study_key', 'patient_key']) }}
),

attributes as (
    select
        series_key,
        study_key,
        patient_key,
        {{ preferred_value('device_key', 'preference') }} as device_key,
        {{- preferred_attributes(attribute_names('series')) }}
    from own_rows
    group by series_key, study_key, patient_key
),

contents as (
    select
        series_key,
        count(distinct study_key) as study_count,
        sum(image_count) as image_count
    from image_sets
    group by series_key
),

final as (
    select
        attributes.*,
        {{ has_elements('attributes.conflicting_attributes') }} as has_conflict,
        {{ counts(['study_count', 'image_count']) }}
    from attributes
    inner join contents on attributes.series_key = contents.series_key
)

select * from final
