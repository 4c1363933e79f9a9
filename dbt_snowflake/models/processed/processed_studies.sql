with staged as (
    select *, {{ preference() }} as preference from {{ ref('staged_studies') }}
),

visits as (
    select * from {{ ref('visits') }}
),

image_sets as (
    select * from {{ ref('image_sets') }}
),

series as (
    select * from {{ ref('processed_series') }}
),

patients as (
    {{ ranked_parents('study_key', ['patient_key']) }}
),

-- Only rows of the study's own patient: dates of another patient are shifted by another number of days.
attributes as (
    select
        staged.study_key,
        staged.patient_key,
        {{- preferred_attributes(attribute_names('studies')) }}
    from staged
    inner join patients
        on staged.study_key = patients.study_key
        and staged.patient_key = patients.patient_key
        and patients.parent_rank = 1
    group by staged.study_key, staged.patient_key
),

patient_counts as (
    select
        study_key,
        count(*) as patient_count
    from patients
    group by study_key
),

intervals as (
    select
        patient_key,
        study_key,
        patient_age,
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
        {{ counts_or_zero(['series_count', 'image_count']) }},
        contents.modalities
    from attributes
    inner join patient_counts on attributes.study_key = patient_counts.study_key
    left join intervals
        on attributes.study_key = intervals.study_key
        and attributes.patient_key = intervals.patient_key
    left join contents on attributes.study_key = contents.study_key
)

select * from final
