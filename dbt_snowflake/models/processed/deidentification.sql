with methods as (
    select * from {{ ref('deidentification_methods') }}
),

mapping as (
    select * from {{ ref('anonymization_mapping') }}
),

keys as (
    select key_id from {{ ref('pseudonym_key') }}
),

final as (
    select
        methods.code_value,
        methods.coding_scheme_designator,
        methods.code_meaning,
        cast(null as varchar) as table_name,
        cast(null as varchar) as column_name,
        cast(null as varchar) as attribute, -- noqa: RF04
        cast(null as varchar) as accepted_risk,
        methods.profile,
        'PS3.15 2026d' as standard,
        keys.key_id
    from methods
    cross join keys
    where methods.profile = '{{ deid_profile() }}'

    union all

    select
        null as code_value,
        null as coding_scheme_designator,
        null as code_meaning,
        'processed_' || mapping.table_name as table_name,
        mapping.column_name,
        mapping.attribute,
        trim(mapping.accepted_risk) as accepted_risk,
        '{{ deid_profile() }}' as profile,
        'PS3.15 2026d' as standard,
        keys.key_id
    from mapping
    cross join keys
    where mapping.table_name || '.' || mapping.column_name in ({{ accepted_risks() }})
)

select * from final
