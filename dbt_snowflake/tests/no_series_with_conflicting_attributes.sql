-- Files of a series agree about all attributes of the series.
{{ config(severity='warn') }}

select 1 as broken
from {{ ref('processed_series') }}
where has_conflict
