{{ config(materialized=view_materialization()) }}

with devices as (
    select
        device_key,
        {{ mapped_or_null('devices', 'manufacturer', 'text') }} as manufacturer,
        {{ mapped_or_null('devices', 'manufacturer_model_name', 'text') }} as manufacturer_model_name,
        software_versions,
        series_count,
        study_count,
        image_count
    from {{ relation_for_view(ref('processed_devices')) }}
),

versions as (
    {{ unnest_array('devices', ['device_key'], 'software_versions') }}
),

final as (
    select
        devices.device_key,
        devices.manufacturer,
        devices.manufacturer_model_name,
        versions.element as software_version,
        devices.series_count,
        devices.study_count,
        devices.image_count
    from devices
    left join versions on devices.device_key = versions.device_key
)

select * from final
