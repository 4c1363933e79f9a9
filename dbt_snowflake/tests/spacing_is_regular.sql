-- In a series with three or more slices, all distances are equal within 1 %.
{{ config(severity='warn') }}

select 1 as broken
from {{ ref('series_geometry') }}
where slice_count > 2 and not uniform_slice_spacing
