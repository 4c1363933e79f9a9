-- Patients with equal values in the columns of the seed quasi_identifiers form an equivalence class. A missing value
-- counts as a value. Of a table with several rows per patient, the set of the patient's values counts.
-- depends_on: {{ ref('processed_studies') }}, {{ ref('processed_series') }}
{%- set columns = quasi_identifiers() %}
with patients as (
    select patient_key from {{ ref('processed_patients') }}
),

device_users as (
    select distinct
        patient_key,
        device_key
    from {{ ref('processed_images') }}
),

patient_devices as (
    select
        devices.*,
        device_users.patient_key
    from {{ ref('processed_devices') }} as devices
    inner join device_users on devices.device_key = device_users.device_key
),

-- Values are numbered, so that sets of values of any type can be compared.
numbered_values as (
    {%- for column in columns %}
    select
        patient_key,
        {{ loop.index }} as column_number,
        dense_rank() over (order by column_value) as value_number
    from (
        select distinct
            patient_key,
            {{ comparable_value(column) }} as column_value
        from {{ 'patient_devices' if column.table_name == 'devices' else ref('processed_' ~ column.table_name) }}
    ) as column_values
    where column_value is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

value_sets as (
    select
        patient_key,
        column_number,
        {{ listagg("cast(value_number as varchar)", "','", "order by value_number") }} as value_set
    from numbered_values
    group by patient_key, column_number
),

profiles as (
    select
        {%- for _ in columns %}
        max(case when value_sets.column_number = {{ loop.index }} then value_sets.value_set end) as set_{{ loop.index }},
        {%- endfor %}
        patients.patient_key
    from patients
    left join value_sets on patients.patient_key = value_sets.patient_key
    group by patients.patient_key
),

-- Size of each patient's class by all columns, by one column, and by all columns except one.
class_sizes as (
    select
        {%- for _ in columns %}
        count(*) over (partition by set_{{ loop.index }}) as by_{{ loop.index }},
        count(*) over ({{ partition_by_sets(columns | length, except=loop.index) }}) as without_{{ loop.index }},
        {%- endfor %}
        count(*) over ({{ partition_by_sets(columns | length) }}) as by_all
    from profiles
),

counted as (
    select
        0 as column_number,
        by_all as class_size,
        count(*) as patient_count,
        0 as made_unique_count
    from class_sizes
    group by by_all
    {%- for _ in columns %}
    union all
    select
        {{ loop.index }} as column_number,
        by_{{ loop.index }} as class_size,
        count(*) as patient_count,
        sum(case when by_all = 1 and without_{{ loop.index }} > 1 then 1 else 0 end) as made_unique_count
    from class_sizes
    group by by_{{ loop.index }}
    {%- endfor %}
),

compared as (
    select
        0 as column_number,
        cast(null as varchar) as table_name,
        cast(null as varchar) as column_name
    {%- for column in columns %}
    union all
    select
        {{ loop.index }} as column_number,
        'processed_{{ column.table_name }}' as table_name,
        '{{ column.column_name }}' as column_name
    {%- endfor %}
),

totals as (
    select count(*) as patient_count from patients
),

made_unique as (
    select
        column_number,
        sum(made_unique_count) as made_unique_count
    from counted
    group by column_number
),

size_groups as (
    select
        1 as min_class_size,
        1 as max_class_size
    union all
    select
        2 as min_class_size,
        4 as max_class_size
    union all
    select
        5 as min_class_size,
        10 as max_class_size
    union all
    select
        11 as min_class_size,
        null as max_class_size
),

final as (
    select
        compared.table_name,
        compared.column_name,
        cast(size_groups.min_class_size as {{ type_name('integer') }}) as min_class_size,
        cast(size_groups.max_class_size as {{ type_name('integer') }}) as max_class_size,
        cast(coalesce(sum(counted.patient_count / counted.class_size), 0) as {{ type_name('integer') }}) as class_count,
        cast(coalesce(sum(counted.patient_count), 0) as {{ type_name('integer') }}) as patient_count,
        cast(coalesce(sum(counted.patient_count), 0) as {{ type_name('double') }})
        / nullif(max(totals.patient_count), 0) as patient_fraction,
        cast(
            max(case when compared.column_number > 0 and size_groups.min_class_size = 1 then coalesce(made_unique.made_unique_count, 0) end)
            as {{ type_name('integer') }}
        ) as made_unique_count
    from compared
    cross join size_groups
    cross join totals
    left join made_unique on compared.column_number = made_unique.column_number
    left join counted
        on compared.column_number = counted.column_number
        and size_groups.min_class_size <= counted.class_size
        and coalesce(size_groups.max_class_size, counted.class_size) >= counted.class_size
    group by
        compared.column_number,
        compared.table_name,
        compared.column_name,
        size_groups.min_class_size,
        size_groups.max_class_size
)

select * from final
order by table_name nulls first, column_name, min_class_size
