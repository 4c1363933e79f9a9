-- The id of the key that the pseudonyms of all tables were derived from.
{{ config(materialized='table') }}

{{ require_private_zone() }}

select key_id
from {{ source('vault', 'keys') }}
