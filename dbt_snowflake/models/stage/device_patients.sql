-- The patients of each device, from the whole archive: their terms apply to the kept values of the device.
-- The key of a device that the headers do not identify is empty.
{{ config(materialized='view', schema='private') }}

{{ require_private_zone() }}

with users as (
    select
        coalesce({{ entity_key('device_key') }}, '') as device_key,
        {{ entity_key('patient_key') }} as patient_key
    from {{ source('raw', 'series') }}
    cross join {{ source('vault', 'keys') }}
),

final as (
    select distinct
        device_key,
        patient_key
    from users
)

select * from final
