{{ config(materialized=view_materialization()) }}

with modalities as (
    select
        series_key,
        {{ mapped_or_null('series', 'modality', 'text') }} as modality_of_series
    from {{ relation_for_view(ref('processed_series')) }}
),

images as (
    select
        images.*,
        modalities.modality_of_series
    from {{ relation_for_view(ref('processed_images')) }} as images
    left join modalities on images.series_key = modalities.series_key
),

counts as (
    {{ filled_counts('images', 'images', 'modality_of_series') }}
    union all
    {{ filled_counts('series', relation_for_view(ref('processed_series')), mapped_or_null('series', 'modality', 'text')) }}
    union all
    {{ filled_counts('studies', relation_for_view(ref('processed_studies'))) }}
    union all
    {{ filled_counts('patients', relation_for_view(ref('processed_patients'))) }}
    union all
    {{ filled_counts('devices', relation_for_view(ref('processed_devices'))) }}
),

final as (
    select
        table_name,
        column_name,
        modality,
        row_count,
        filled_count,
        cast(filled_count as {{ type_name('double') }}) / row_count as filled_share
    from counts
    where row_count > 0
)

select * from final
