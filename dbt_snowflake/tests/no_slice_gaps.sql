-- No series with one orientation has a distance of neighbouring slices of more than 1.5 times the median.
{{ config(severity='warn') }}

select 1 as broken
from {{ ref('series_geometry') }}
where missing_slices > 0
