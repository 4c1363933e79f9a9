-- The positions of the slices of a series, along the normal of its plane. The plane is that of the first
-- image by key. Slices closer than 0.01 mm count as one. Positions of the frames of a multi-frame image
-- are not in the tables.
{{ config(materialized=view_materialization()) }}

with arrays as (
    select
        series_key,
        image_key,
        {{ mapped_or_null('images', 'rows', 'integer') }} as row_count,
        {{ mapped_or_null('images', 'columns', 'integer') }} as column_count,
        {{ mapped_or_null('images', 'number_of_frames', 'integer') }} as frames,
        {{ mapped_or_null('images', 'slice_thickness', 'double') }} as slice_thickness,
        {{ mapped_or_null('images', 'pixel_spacing', 'double', true) }} as spacings,
        {{ mapped_or_null('images', 'image_position_patient', 'double', true) }} as positions,
        {{ mapped_or_null('images', 'image_orientation_patient', 'double', true) }} as directions
    from {{ relation_for_view(ref('processed_images')) }}
),

images as (
    select
        series_key,
        image_key,
        row_count,
        column_count,
        frames,
        slice_thickness,
        {{ array_get_double('spacings', 1) }} as row_spacing,
        {{ array_get_double('spacings', 2) }} as column_spacing,
        {{ array_get_double('positions', 1) }} as p1,
        {{ array_get_double('positions', 2) }} as p2,
        {{ array_get_double('positions', 3) }} as p3,
        {{ array_get_double('directions', 1) }} as d1,
        {{ array_get_double('directions', 2) }} as d2,
        {{ array_get_double('directions', 3) }} as d3,
        {{ array_get_double('directions', 4) }} as d4,
        {{ array_get_double('directions', 5) }} as d5,
        {{ array_get_double('directions', 6) }} as d6
    from arrays
),

normals as (
    select
        *,
        d2 * d6 - d3 * d5 as n1,
        d3 * d4 - d1 * d6 as n2,
        d1 * d5 - d2 * d4 as n3
    from images
),

-- Directions that are not unit vectors at right angles are ignored.
planes as (
    select
        series_key,
        image_key,
        n1 / sqrt(n1 * n1 + n2 * n2 + n3 * n3) as n1,
        n2 / sqrt(n1 * n1 + n2 * n2 + n3 * n3) as n2,
        n3 / sqrt(n1 * n1 + n2 * n2 + n3 * n3) as n3
    from normals
    where n1 * n1 + n2 * n2 + n3 * n3 between 0.9 and 1.1
),

first_images as (
    select
        series_key,
        min(image_key) as image_key
    from planes
    group by series_key
),

first_planes as (
    select planes.*
    from planes
    inner join first_images on planes.image_key = first_images.image_key
),

placed as (
    select
        images.series_key,
        first_planes.n1 * images.p1 + first_planes.n2 * images.p2 + first_planes.n3 * images.p3 as distance,
        first_planes.n1 * planes.n1 + first_planes.n2 * planes.n2 + first_planes.n3 * planes.n3 as cosine
    from images
    inner join planes on images.image_key = planes.image_key
    inner join first_planes on images.series_key = first_planes.series_key
),

neighbours as (
    select
        series_key,
        distance,
        distance - lag(distance) over (partition by series_key order by distance) as step
    from placed
    where distance is not null
),

numbered as (
    select
        series_key,
        distance,
        sum(case when step <= 0.01 then 0 else 1 end) over (partition by series_key order by distance) as slice_number
    from neighbours
),

slices as (
    select
        series_key,
        slice_number,
        min(distance) as distance,
        count(*) as image_count
    from numbered
    group by series_key, slice_number
),

steps as (
    select
        series_key,
        image_count,
        distance - lag(distance) over (partition by series_key order by slice_number) as step
    from slices
),

stacks as (
    select
        series_key,
        count(*) as slice_count,
        sum(image_count) as placed_count,
        {{ common_value('image_count') }} as images_per_slice,
        median(step) as slice_spacing,
        min(step) as smallest_step,
        max(step) as largest_step
    from steps
    group by series_key
),

gaps as (
    select
        steps.series_key,
        sum(case when steps.step > 1.5 * stacks.slice_spacing then round(steps.step / stacks.slice_spacing) - 1 else 0 end) as missing_slices
    from steps
    inner join stacks on steps.series_key = stacks.series_key
    group by steps.series_key
),

orientations as (
    select
        series_key,
        min(cosine) >= 0.9999 as has_one_orientation
    from placed
    group by series_key
),

sizes as (
    select
        series_key,
        count(*) as image_count,
        sum(coalesce(frames, 1)) as frame_count,
        {{ common_value('row_count') }} as image_rows,
        {{ common_value('column_count') }} as image_columns,
        {{ common_value('row_spacing') }} as row_spacing,
        {{ common_value('column_spacing') }} as column_spacing,
        {{ common_value('slice_thickness') }} as slice_thickness
    from images
    group by series_key
),

final as (
    select
        series.series_key,
        series.study_key,
        series.patient_key,
        series.device_key,
        {{ mapped_or_null('series', 'modality', 'text') }} as modality,
        {{ mapped_or_null('series', 'body_part_examined', 'text') }} as body_part_examined,
        sizes.image_count,
        cast(sizes.frame_count as {{ type_name('integer') }}) as frame_count,
        sizes.image_rows as {{ quote_name('rows') }},
        sizes.image_columns as {{ quote_name('columns') }},
        sizes.row_spacing,
        sizes.column_spacing,
        sizes.slice_thickness,
        orientations.has_one_orientation,
        case
            when not orientations.has_one_orientation then null
            when abs(first_planes.n3) >= 0.9 then 'axial'
            when abs(first_planes.n2) >= 0.9 then 'coronal'
            when abs(first_planes.n1) >= 0.9 then 'sagittal'
            when first_planes.n1 is not null then 'oblique'
        end as orientation_plane,
        case when orientations.has_one_orientation then stacks.slice_count end as slice_count,
        case when orientations.has_one_orientation then stacks.images_per_slice end as images_per_slice,
        case when orientations.has_one_orientation then stacks.slice_spacing end as slice_spacing,
        case when orientations.has_one_orientation then stacks.smallest_step end as smallest_step,
        case when orientations.has_one_orientation then stacks.largest_step end as largest_step,
        case when orientations.has_one_orientation then cast(gaps.missing_slices as {{ type_name('integer') }}) end as missing_slices,
        case
            when not orientations.has_one_orientation then false
            when stacks.slice_count > 1 then
                stacks.placed_count = sizes.image_count
                and stacks.images_per_slice is not null
                and sizes.image_rows is not null
                and sizes.image_columns is not null
                and sizes.row_spacing is not null
                and sizes.column_spacing is not null
                and stacks.largest_step - stacks.slice_spacing <= greatest(0.01, 0.01 * stacks.slice_spacing)
                and stacks.slice_spacing - stacks.smallest_step <= greatest(0.01, 0.01 * stacks.slice_spacing)
        end as is_regular
    from {{ relation_for_view(ref('processed_series')) }} as series
    inner join sizes on series.series_key = sizes.series_key
    left join first_planes on series.series_key = first_planes.series_key
    left join orientations on series.series_key = orientations.series_key
    left join stacks on series.series_key = stacks.series_key
    left join gaps on series.series_key = gaps.series_key
)

select * from final
