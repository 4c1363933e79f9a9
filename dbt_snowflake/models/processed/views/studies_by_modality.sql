{{ config(materialized=view_materialization()) }}

with series as (
    select
        patient_key,
        study_key,
        image_count,
        {{ mapped_or_null('series', 'modality', 'text') }} as modality,
        {{ mapped_or_null('series', 'body_part_examined', 'text') }} as body_part_examined
    from {{ relation_for_view(ref('processed_series')) }}
),

final as (
    select
        modality,
        body_part_examined,
        count(distinct patient_key) as patient_count,
        count(distinct study_key) as study_count,
        count(*) as series_count,
        cast(sum(image_count) as {{ type_name('integer') }}) as image_count
    from series
    group by modality, body_part_examined
)

select * from final
