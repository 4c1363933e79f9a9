-- The distinct texts and sequences of the partitions to build, by patient and study. A view: texts are
-- stored in the raw zone only. A text that two tables of a study have is one row.
{{ config(materialized='view', schema='private') }}

{{ require_private_zone() }}

with texts as (
    {%- for table_name in staged_table_names() %}
    {{ "union" if not loop.first }}
    {{ texts_of_table(table_name, ref('changed_' ~ table_name)) }}
    {%- endfor %}
),

study_patients as (
    select distinct
        study_key,
        patient_key
    from {{ ref('study_patients') }}
),

final as (
    select
        texts.kind,
        texts.patient_key,
        texts.study_key,
        {{ keyed_id('text', 'texts.text') }} as text_key,
        case
            when texts.patient_key != ''
                then deid.shift_days(ki, ko, coalesce(study_patients.patient_key, texts.patient_key))
        end as shift_days,
        texts.text
    from texts
    left join study_patients on texts.study_key = study_patients.study_key
)

select * from final
