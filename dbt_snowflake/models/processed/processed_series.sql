with staged as (
    select *, {{ preference() }} as preference from {{ ref('staged_series') }}
),

image_sets as (
    select * from {{ ref('image_sets') }}
),

parents as (
    {{ ranked_parents('series_key', ['study_key', 'patient_key']) }}
),

-- Only rows of the series' own study and patient: dates of another patient are shifted by another number of days.
attributes as (
    select
        staged.series_key,
        staged.study_key,
        staged.patient_key,
        {{ preferred_value('staged.device_key', 'staged.preference') }} as device_key,
        {{- preferred_attributes(attribute_names('series')) }}
    from staged
    inner join parents
        on staged.series_key = parents.series_key
        and staged.study_key = parents.study_key
        and staged.patient_key = parents.patient_key
        and parents.parent_rank = 1
    group by staged.series_key, staged.study_key, staged.patient_key
),

study_counts as (
    select
        series_key,
        count(distinct study_key) as study_count
    from parents
    group by series_key
),

contents as (
    select
        series_key,
        sum(image_count) as image_count
    from image_sets
    group by series_key
),

final as (
    select
        attributes.*,
        {{ has_elements('attributes.conflicting_attributes') }} as has_conflict,
        study_counts.study_count,
        {{ counts_or_zero(['image_count']) }}
    from attributes
    inner join study_counts on attributes.series_key = study_counts.series_key
    left join contents on attributes.series_key = contents.series_key
)

select * from final
