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

final as (
    select
        kind,
        patient_key,
        study_key,
        {{ keyed_id('text', 'text') }} as text_key,
        case when patient_key != '' then deid.shift_days(ki, ko, patient_of_dates) end as shift_days,
        text
    from texts
)

select * from final
