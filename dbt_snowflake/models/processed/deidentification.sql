with methods as (
    select * from {{ ref('deidentification_methods') }}
),

keys as (
    select key_id from {{ ref('pseudonym_key') }}
),

final as (
    select
        methods.code_value,
        methods.coding_scheme_designator,
        methods.code_meaning,
        methods.profile,
        'PS3.15 2026d' as standard,
        keys.key_id
    from methods
    cross join keys
    where methods.profile = '{{ deid_profile() }}'
)

select * from final
