-- In a series with one orientation, no distance between neighbouring slices is more than 1.5 times the median.
{{ config(severity='warn') }}

select 1 as broken
from {{ ref('series_geometry') }}
where missing_slices > 0
