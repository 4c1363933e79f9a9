-- The geometry of each series, with the names and tolerances of IDC's volume_geometry_index. Positions are those of
-- the largest stack: the images that have the most frequent orientation. A plane is one slice of one image: the image
-- itself, or a frame of a dose grid. Where frames or the tiles of a mosaic have no positions in the tables,
-- everything that depends on positions is null.
{{ config(materialized=view_materialization()) }}

with attributes as (
    select
        series_key,
        image_key,
        {{ mapped_or_null('images', 'sop_class_uid', 'text') }} as sop_class_uid,
        {{ array_text(mapped_or_null('images', 'image_type', 'text', true)) }} as image_type,
        {{ mapped_or_null('images', 'rows', 'integer') }} as row_count,
        {{ mapped_or_null('images', 'columns', 'integer') }} as column_count,
        {{ mapped_or_null('images', 'number_of_frames', 'integer') }} as frames,
        {{ mapped_or_null('images', 'temporal_position_index', 'integer') }} as temporal_position,
        {{ mapped_or_null('images', 'slice_thickness', 'double') }} as slice_thickness,
        {{ mapped_or_null('images', 'pixel_spacing', 'double', true) }} as spacings,
        {{ mapped_or_null('images', 'image_position_patient', 'double', true) }} as positions,
        {{ mapped_or_null('images', 'image_orientation_patient', 'double', true) }} as directions,
        {{ mapped_or_null('images', 'grid_frame_offset_vector', 'double', true) }} as frame_offsets
    from {{ relation_for_view(ref('processed_images')) }}
),

offsets as (
    {{ unnest_array('attributes', ['image_key', 'frames'], 'frame_offsets') }}
),

-- The offsets count from the first plane or from the origin of z: differences from the first one are the same.
measured_offsets as (
    select
        image_key,
        frames,
        place as frame_number,
        cast(element as {{ type_name('double') }}) as distance,
        count(element) over (partition by image_key) as offset_count
    from offsets
),

frame_planes as (
    select
        frames.image_key,
        frames.frame_number,
        frames.distance - first_frames.distance as frame_offset
    from measured_offsets as frames
    inner join measured_offsets as first_frames on frames.image_key = first_frames.image_key and first_frames.frame_number = 1
    where frames.frames > 1 and frames.offset_count = frames.frames
),

images as (
    select
        attributes.series_key,
        attributes.image_key,
        attributes.row_count,
        attributes.column_count,
        attributes.temporal_position,
        attributes.slice_thickness,
        greatest(coalesce(attributes.frames, 1), 1) as frame_count,
        coalesce(attributes.image_type like '%"LOCALIZER"%', false) as is_localizer,
        coalesce(attributes.image_type like '%"MOSAIC"%', false) as is_mosaic,
        coalesce(attributes.image_type like '%"MOSAIC"%', false)
        or (coalesce(attributes.frames, 1) > 1 and frame_planes.image_key is null) as has_unknown_planes,
        -- CT Image Storage and RT Dose Storage: frames are slices
        attributes.sop_class_uid in ('1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.5.1.4.1.1.481.2') as has_slices_as_frames,
        {{ array_get_double('attributes.spacings', 1) }} as row_spacing,
        {{ array_get_double('attributes.spacings', 2) }} as column_spacing,
        {{ array_get_double('attributes.positions', 1) }} as p1,
        {{ array_get_double('attributes.positions', 2) }} as p2,
        {{ array_get_double('attributes.positions', 3) }} as p3,
        {{ array_get_double('attributes.directions', 1) }} as r1,
        {{ array_get_double('attributes.directions', 2) }} as r2,
        {{ array_get_double('attributes.directions', 3) }} as r3,
        {{ array_get_double('attributes.directions', 4) }} as c1,
        {{ array_get_double('attributes.directions', 5) }} as c2,
        {{ array_get_double('attributes.directions', 6) }} as c3
    from attributes
    left join frame_planes on attributes.image_key = frame_planes.image_key and frame_planes.frame_number = 1
),

normals as (
    select
        *,
        r2 * c3 - r3 * c2 as n1,
        r3 * c1 - r1 * c3 as n2,
        r1 * c2 - r2 * c1 as n3
    from images
),

lengths as (
    select
        *,
        sqrt(n1 * n1 + n2 * n2 + n3 * n3) as normal_length,
        sqrt(r1 * r1 + r2 * r2 + r3 * r3) as row_length,
        r1 * c1 + r2 * c2 + r3 * c3 as row_by_column
    from normals
),

oriented as (
    select
        *,
        abs(normal_length - 1) <= 0.01 and abs(row_length - 1) <= 0.01 and abs(row_by_column) <= 0.01 as is_orthogonal
    from lengths
),

-- Groups of images with nearly the same orientation. Adding 0 turns -0 into 0.
orientations as (
    select
        series_key,
        is_localizer,
        sum(frame_count) as frame_count,
        avg(r1) as r1,
        avg(r2) as r2,
        avg(r3) as r3,
        avg(c1) as c1,
        avg(c2) as c2,
        avg(c3) as c3,
        avg(n1 / normal_length) as n1,
        avg(n2 / normal_length) as n2,
        avg(n3 / normal_length) as n3
    from oriented
    where is_orthogonal
    group by
        series_key,
        is_localizer,
        round(r1, 2) + 0,
        round(r2, 2) + 0,
        round(r3, 2) + 0,
        round(c1, 2) + 0,
        round(c2, 2) + 0,
        round(c3, 2) + 0
),

-- Of several orientations that are equally frequent, the one closest to axial, then to coronal.
ranked as (
    select
        *,
        row_number() over (
            partition by series_key
            order by
                is_localizer asc,
                frame_count desc,
                round(abs(n3), 2) desc,
                round(abs(n2), 2) desc,
                r1 asc,
                r2 asc,
                r3 asc,
                c1 asc,
                c2 asc,
                c3 asc
        ) as preference
    from orientations
),

reference_planes as (
    select *
    from ranked
    where preference = 1
),

compared as (
    select
        oriented.*,
        case
            when oriented.normal_length is not null then
                greatest(
                    abs(oriented.r1 - planes.r1),
                    abs(oriented.r2 - planes.r2),
                    abs(oriented.r3 - planes.r3),
                    abs(oriented.c1 - planes.c1),
                    abs(oriented.c2 - planes.c2),
                    abs(oriented.c3 - planes.c3)
                ) <= 0.01
        end as has_reference_orientation,
        oriented.is_localizer = planes.is_localizer as has_reference_kind,
        planes.n1 * oriented.p1 + planes.n2 * oriented.p2 + planes.n3 * oriented.p3 as distance,
        planes.r1 * oriented.p1 + planes.r2 * oriented.p2 + planes.r3 * oriented.p3 as row_origin,
        planes.c1 * oriented.p1 + planes.c2 * oriented.p2 + planes.c3 * oriented.p3 as column_origin
    from oriented
    left join reference_planes as planes on oriented.series_key = planes.series_key
),

all_images as (
    select
        series_key,
        count(*) as image_count,
        sum(frame_count) as frame_count,
        max(case when is_mosaic then 1 else 0 end) = 1 as is_mosaic,
        max(case when has_slices_as_frames and not is_mosaic then 1 else 0 end) = 1 as has_slices_as_frames,
        min(case when is_orthogonal then 1 when not is_orthogonal then 0 end) = 1 as orthogonal_orientation,
        min(case when has_reference_orientation then 1 when not has_reference_orientation then 0 end) = 1 as single_orientation,
        case
            when count(row_count) > 0 or count(column_count) > 0 then
                {{ common_value('row_count') }} is not null and {{ common_value('column_count') }} is not null
        end as consistent_image_dimensions,
        case
            when count(row_spacing) > 0 or count(column_spacing) > 0 then
                count(row_spacing) = count(*)
                and count(column_spacing) = count(*)
                and max(row_spacing) - min(row_spacing) <= 0.0001 * min(row_spacing)
                and max(column_spacing) - min(column_spacing) <= 0.0001 * min(column_spacing)
        end as consistent_pixel_spacing
    from compared
    group by series_key
),

-- All images of a series in which no image has an orientation.
stack_images as (
    select *
    from compared
    where coalesce(has_reference_orientation and has_reference_kind, has_reference_kind is null)
),

stack_headers as (
    select
        series_key,
        {{ common_value('row_count') }} as image_rows,
        {{ common_value('column_count') }} as image_columns,
        {{ common_value('row_spacing') }} as row_spacing,
        {{ common_value('column_spacing') }} as column_spacing,
        {{ common_value('slice_thickness') }} as slice_thickness,
        max(row_spacing) as largest_row_spacing,
        max(case when has_unknown_planes then 1 else 0 end) = 1 as has_unknown_planes
    from stack_images
    group by series_key
),

-- A position of more than a kilometer is an error.
planes as (
    select
        stack_images.series_key,
        stack_images.image_key,
        stack_images.temporal_position,
        stack_images.row_origin,
        stack_images.column_origin,
        stack_images.distance + coalesce(frame_planes.frame_offset, 0) as distance
    from stack_images
    inner join stack_headers on stack_images.series_key = stack_headers.series_key
    left join frame_planes on stack_images.image_key = frame_planes.image_key
    where
        not stack_headers.has_unknown_planes
        and abs(stack_images.distance + coalesce(frame_planes.frame_offset, 0)) < 1000000
        and abs(stack_images.row_origin) < 1000000
        and abs(stack_images.column_origin) < 1000000
),

neighbours as (
    select
        *,
        distance - lag(distance) over (partition by series_key order by distance) as step
    from planes
),

-- Positions count as one within 5 % of the spacing or 1 % of the size of a pixel, but at most 0.1 mm.
tolerances as (
    select
        neighbours.series_key,
        least(0.1, greatest(
            0.0001,
            0.01 * coalesce(max(stack_headers.largest_row_spacing), 0),
            0.05 * coalesce(sum(neighbours.step * neighbours.step) / nullif(sum(neighbours.step), 0), 0)
        )) as tolerance
    from neighbours
    inner join stack_headers on neighbours.series_key = stack_headers.series_key
    group by neighbours.series_key
),

numbered as (
    select
        neighbours.series_key,
        neighbours.distance,
        sum(case when neighbours.step <= tolerances.tolerance then 0 else 1 end)
            over (partition by neighbours.series_key order by neighbours.distance)
            as slice_number
    from neighbours
    inner join tolerances on neighbours.series_key = tolerances.series_key
),

slices as (
    select
        series_key,
        slice_number,
        avg(distance) as distance,
        count(*) as plane_count
    from numbered
    group by series_key, slice_number
),

steps as (
    select
        *,
        distance - lag(distance) over (partition by series_key order by slice_number) as step
    from slices
),

stacks as (
    select
        series_key,
        count(*) as slice_count,
        {{ common_value('plane_count') }} as images_per_slice,
        median(step) as median_step,
        min(step) as smallest_step,
        max(step) as largest_step,
        sum(step) as extent
    from steps
    group by series_key
),

-- The steps as multiples of the smallest one: more than one where slices are missing.
multiples as (
    select
        steps.series_key,
        steps.step,
        round(steps.step / stacks.smallest_step) as multiple,
        stacks.extent / sum(round(steps.step / stacks.smallest_step)) over (partition by steps.series_key) as grid_spacing
    from steps
    inner join stacks on steps.series_key = stacks.series_key
    where steps.step is not null
),

grids as (
    select
        series_key,
        max(grid_spacing) as grid_spacing,
        sum(multiple) - count(*) as missing_slices,
        max(abs(step - multiple * grid_spacing)) <= 0.01 * max(grid_spacing) and sum(multiple) - count(*) <= count(*) as is_grid
    from multiples
    group by series_key
),

-- The shift of the origin within the plane, by distance along the normal.
origins as (
    select
        series_key,
        count(*) as plane_count,
        count(distinct image_key) as image_count,
        count(distinct temporal_position) as temporal_position_count,
        max(row_origin) - min(row_origin) < 0.1 as consistent_in_plane_row,
        max(column_origin) - min(column_origin) < 0.1 as consistent_in_plane_col,
        covar_pop(row_origin, distance) / nullif(var_pop(distance), 0) as row_shift,
        covar_pop(column_origin, distance) / nullif(var_pop(distance), 0) as column_shift,
        var_pop(row_origin) + var_pop(column_origin) as shift_variance,
        var_pop(distance) as distance_variance
    from planes
    group by series_key
),

-- A tilted gantry shifts the origins in proportion to the distance, along the axis of the table, which is z.
lines as (
    select
        origins.series_key,
        degrees(atan(sqrt(origins.row_shift * origins.row_shift + origins.column_shift * origins.column_shift))) as tilt,
        origins.shift_variance
        - (origins.row_shift * origins.row_shift + origins.column_shift * origins.column_shift) * origins.distance_variance
        <= 0.01
        and abs(planes.n1 + origins.row_shift * planes.r1 + origins.column_shift * planes.c1) <= 0.01
        and abs(planes.n2 + origins.row_shift * planes.r2 + origins.column_shift * planes.c2) <= 0.01 as is_along_table
    from origins
    inner join reference_planes as planes on origins.series_key = planes.series_key
),

checked as (
    select
        series.series_key,
        series.study_key,
        series.patient_key,
        series.device_key,
        {{ mapped_or_null('series', 'modality', 'text') }} as modality,
        {{ mapped_or_null('series', 'body_part_examined', 'text') }} as body_part_examined,
        all_images.image_count,
        cast(all_images.frame_count as {{ type_name('integer') }}) as frame_count,
        stack_headers.image_rows,
        stack_headers.image_columns,
        stack_headers.row_spacing,
        stack_headers.column_spacing,
        stack_headers.slice_thickness,
        all_images.is_mosaic,
        case
            when abs(planes.n3) >= 0.9 then 'axial'
            when abs(planes.n2) >= 0.9 then 'coronal'
            when abs(planes.n1) >= 0.9 then 'sagittal'
            when planes.n1 is not null then 'oblique'
        end as orientation_plane,
        case
            when planes.n1 is not null then degrees(acos(least(1, greatest(abs(planes.n1), abs(planes.n2), abs(planes.n3)))))
        end as obliquity_degrees,
        coalesce(
            stacks.slice_count,
            case when all_images.image_count = 1 and all_images.has_slices_as_frames and all_images.frame_count > 1 then all_images.frame_count end
        ) as slice_count,
        stacks.images_per_slice,
        all_images.image_count - origins.image_count as images_outside_stack,
        case when grids.is_grid then grids.grid_spacing else stacks.median_step end as slice_spacing,
        stacks.smallest_step,
        stacks.largest_step,
        case when grids.is_grid then grids.missing_slices end as missing_slices,
        case
            when origins.consistent_in_plane_row and origins.consistent_in_plane_col and stacks.slice_count > 1 then 0
            when lines.is_along_table and stacks.slice_count > 1 then lines.tilt
        end as gantry_tilt_degrees,
        all_images.single_orientation,
        all_images.orthogonal_orientation,
        stacks.slice_count = origins.plane_count as unique_slice_positions,
        origins.consistent_in_plane_row,
        origins.consistent_in_plane_col,
        all_images.consistent_pixel_spacing,
        all_images.consistent_image_dimensions,
        grids.is_grid and grids.missing_slices = 0 as uniform_slice_spacing,
        -- time points at other positions have fewer images per slice than there are time points
        case
            when stacks.slice_count > 0 then
                stacks.images_per_slice is not null and stacks.images_per_slice >= origins.temporal_position_count
        end as has_equal_slices
    from {{ relation_for_view(ref('processed_series')) }} as series
    inner join all_images on series.series_key = all_images.series_key
    left join reference_planes as planes on series.series_key = planes.series_key
    left join stack_headers on series.series_key = stack_headers.series_key
    left join stacks on series.series_key = stacks.series_key
    left join grids on series.series_key = grids.series_key
    left join origins on series.series_key = origins.series_key
    left join lines on series.series_key = lines.series_key
),

-- Distances and angles are rounded, because the last digits of a sum depend on the order of its rows.
final as (
    select
        series_key,
        study_key,
        patient_key,
        device_key,
        modality,
        body_part_examined,
        image_count,
        frame_count,
        image_rows as {{ quote_name('rows') }},
        image_columns as {{ quote_name('columns') }},
        row_spacing,
        column_spacing,
        slice_thickness,
        is_mosaic,
        orientation_plane,
        round(obliquity_degrees, 4) as obliquity_degrees,
        cast(slice_count as {{ type_name('integer') }}) as slice_count,
        images_per_slice,
        images_outside_stack,
        round(slice_spacing, 6) as slice_spacing,
        round(smallest_step, 6) as smallest_step,
        round(largest_step, 6) as largest_step,
        cast(missing_slices as {{ type_name('integer') }}) as missing_slices,
        cast(round(gantry_tilt_degrees, 4) as {{ type_name('double') }}) as gantry_tilt_degrees,
        single_orientation,
        orthogonal_orientation,
        unique_slice_positions,
        consistent_in_plane_row,
        consistent_in_plane_col,
        consistent_pixel_spacing,
        consistent_image_dimensions,
        uniform_slice_spacing,
        single_orientation
        and orthogonal_orientation
        and consistent_in_plane_row
        and consistent_in_plane_col
        and consistent_pixel_spacing
        and consistent_image_dimensions
        and uniform_slice_spacing
        and has_equal_slices
        and images_outside_stack = 0 as is_regular,
        is_regular and unique_slice_positions as regularly_spaced_3d_volume
    from checked
)

select * from final
