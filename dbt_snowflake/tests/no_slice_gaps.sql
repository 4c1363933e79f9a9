-- No positions of slices are those of a uniform grid with holes.
{{ config(severity='warn') }}

select 1 as broken
from {{ ref('series_geometry') }}
where missing_slices > 0
