-- At most the accepted share of the patients is alone in its class. Not judged below 100 patients, of whom most are
-- unique whatever the columns are.
{{ config(severity='warn') }}

with all_columns as (
    select
        min_class_size,
        patient_count,
        patient_fraction,
        sum(patient_count) over () as all_patients
    from {{ ref('uniqueness') }}
    where column_name is null
)

select 1 as exceeded
from all_columns
where
    min_class_size = 1
    and all_patients >= 100
    and patient_fraction > {{ max_unique_fraction() }}
