-- All files of a series have the same values of the series' attributes.
{{ config(severity='warn') }}

select 1 as broken
from {{ ref('processed_series') }}
where has_conflict
