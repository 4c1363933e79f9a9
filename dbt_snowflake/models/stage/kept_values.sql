-- The distinct values of columns that are kept as they are, of the partitions to build. A view: raw values
-- are stored in the raw zone only.
{{ config(materialized='view', schema='private') }}

{{ require_private_zone() }}

with kept as (
    {%- for table_name in staged_table_names() %}
    {{ "union all" if not loop.first }}
    {% set device_key = "coalesce(device_key, '')" if table_name == 'devices' else "cast(null as varchar)" %}
    {{ values_of_table(table_name, ref('changed_' ~ table_name), " " ~ device_key ~ " as device_key,") }}
    {%- endfor %}
),

final as (
    select
        kept.table_name,
        kept.column_name,
        mapping.attribute,
        mapping.{{ deid_profile() }} as function,
        mapping.vm != '1' as is_array,
        kept.device_key,
        {{ keyed_id('value', 'kept.value') }} as value_key,
        kept.value
    from kept
    inner join {{ ref('anonymization_mapping') }} as mapping
        on kept.table_name = mapping.table_name
        and kept.column_name = mapping.column_name
    where length(kept.value) <= 1024
)

select * from final
