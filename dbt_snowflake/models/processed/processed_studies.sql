with image_sets as (
    select * from {{ ref('image_sets') }}
),

staged as (
    {{ staged_with_preference('studies') }}
),

visits as (
    select * from {{ ref('visits') }}
),

series as (
    select * from {{ ref('processed_series') }}
),

parents as (
    {{ ranked_parents('study_key', ['patient_key']) }}
),

own_rows as (
    {{ rows_of_own_parents('study_key', ['patient_key']) }}
),

attributes as (
    select
        study_key,
        patient_key,
        {{- preferred_attributes(attribute_names('studies')) }}
    from own_rows
    group by study_key, patient_key
),

-- Of all files, so that a study whose patient was corrected is visible.
patient_counts as (
    select
        study_key,
        count(distinct patient_key) as patient_count
    from staged
    group by study_key
),

intervals as (
    select
        patient_key,
        study_key,
        patient_age,
        {{ age_years('patient_age') }} as age_years,
        patient_size,
        patient_weight,
        case when study_date is not null then visit_number end as study_number,
        {{ datediff('lag(study_date) over (partition by patient_key order by visit_number)', 'study_date', 'day') }} as days_since_previous_study,
        {{ datediff('min(study_date) over (partition by patient_key)', 'study_date', 'day') }} as days_since_first_study
    from visits
),

contents as (
    select
        image_sets.study_key,
        count(distinct image_sets.series_key) as series_count,
        sum(image_sets.image_count) as image_count,
        {{ distinct_values('series.modality') }} as modalities
    from image_sets
    left join series on image_sets.series_key = series.series_key
    group by image_sets.study_key
),

final as (
    select
        attributes.*,
        {{ has_elements('attributes.conflicting_attributes') }} as has_conflict,
        patient_counts.patient_count,
        intervals.* exclude (patient_key, study_key),
        {{ counts(['series_count', 'image_count']) }},
        contents.modalities
    from attributes
    inner join patient_counts on attributes.study_key = patient_counts.study_key
    left join intervals
        on attributes.study_key = intervals.study_key
        and attributes.patient_key = intervals.patient_key
    inner join contents on attributes.study_key = contents.study_key
)

select * from final
