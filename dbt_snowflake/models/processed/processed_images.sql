-- depends_on: {{ ref('anonymization_mapping') }}
{{ config(materialized='incremental', incremental_strategy='replace_images') }}

-- Tables are named where they are read: a CTE that several others share would be held in memory
-- whole, with all columns of all images.
with
{%- if is_incremental() %}
known_versions as (
    select distinct
        period_key,
        stage_version
    from {{ this }}
),

staged_versions as (
    select distinct
        period_key,
        stage_version
    from {{ ref('staged_images') }}
),

-- Images of partitions that are new here, whose winner's partition is gone, that had to be chosen,
-- or that an older version of this model made.
changed as (
    select image_key from {{ ref('staged_images') }}
    where (period_key, stage_version) not in (select * from known_versions)
    union
    select image_key from {{ this }}
    where (period_key, stage_version) not in (select * from staged_versions)
    union
    select image_key from {{ this }}
    where instance_versions > 1 or model_version != {{ model_version() }}
),

-- All columns are read of these only.
periods_of_changed as (
    select distinct period_key from {{ ref('staged_images') }}
    where image_key in (select image_key from changed)
),
{% endif %}
contenders as (
    select
        *,
        count(*) over (partition by image_key) as instance_versions,
        count(*) over (partition by image_key) > 1 as has_conflict,
        row_number() over (partition by image_key order by instance_precedence desc, period_key desc) as place
    from {{ ref('staged_images') }}
    {%- if is_incremental() %}
    where
        image_key in (select image_key from changed)
        and period_key in (select period_key from periods_of_changed)
    {%- endif %}
),

final as (
    select
        * exclude (failed_casts, leaked_cells, header_key, instance_precedence, file_size, place),
        {{ model_version() }} as model_version
    from contenders
    where place = 1
)

select * from final
