{%- set by_visit = ['patient_age', 'patient_size', 'patient_weight'] %}
with image_sets as (
    select * from {{ ref('image_sets') }}
),

staged as (
    {{ staged_with_preference('patients') }}
),

visits as (
    select * from {{ ref('visits') }}
),

series as (
    select * from {{ ref('processed_series') }}
),

attributes as (
    select
        patient_key,
        {{- preferred_attributes(attribute_names('patients', except=by_visit)) }}
    from staged
    group by patient_key
),

-- A visit without a date is used only if no dated visit has a value.
history as (
    select
        patient_key,
        {%- for name in by_visit %}
        min_by({{ name }}, case when {{ name }} is not null then visit_number end) as first_{{ name }},
        max_by({{ name }}, case when {{ name }} is not null then case when study_date is null then -visit_number else visit_number end end) as last_{{ name }},
        {%- endfor %}
        {{ datediff('min(study_date)', 'max(study_date)', 'day') }} as days_observed
    from visits
    group by patient_key
),

contents as (
    select
        image_sets.patient_key,
        count(distinct image_sets.study_key) as study_count,
        count(distinct image_sets.series_key) as series_count,
        sum(image_sets.image_count) as image_count,
        {{ distinct_values('series.modality') }} as modalities
    from image_sets
    left join series on image_sets.series_key = series.series_key
    group by image_sets.patient_key
),

final as (
    select
        attributes.*,
        {{ has_elements('attributes.conflicting_attributes') }} as has_conflict,
        history.* exclude (patient_key),
        {{ age_years('history.first_patient_age') }} as first_age_years,
        {{ age_years('history.last_patient_age') }} as last_age_years,
        {{ counts(['study_count', 'series_count', 'image_count']) }},
        contents.modalities
    from attributes
    left join history on attributes.patient_key = history.patient_key
    inner join contents on attributes.patient_key = contents.patient_key
)

select * from final
