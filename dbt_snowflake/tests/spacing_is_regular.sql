-- In a series with three or more slices, all distances are equal within 1 % or 0.01 mm.
{{ config(severity='warn') }}

select 1 as broken
from {{ ref('series_geometry') }}
where
    slice_count > 2
    and (
        largest_step - slice_spacing > greatest(0.01, 0.01 * slice_spacing)
        or slice_spacing - smallest_step > greatest(0.01, 0.01 * slice_spacing)
    )
