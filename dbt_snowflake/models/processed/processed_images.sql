-- depends_on: {{ ref('anonymization_mapping') }}, {{ ref('confidentiality_profile') }}, {{ ref('vr_functions') }}
{{ config(materialized='incremental', incremental_strategy='replace_images') }}

-- Tables are referenced where they are read: DuckDB would keep a CTE that several others use in memory,
-- with all columns of all images.
with
{%- if is_partial_build() %}
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

-- Images to build: of new partitions, of partitions that are gone, with several versions, or built by
-- an older version of this model.
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

-- Only rows of these periods are read with all columns.
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
        row_number() over (partition by image_key order by instance_precedence desc, period_key desc) as version_rank
    from {{ ref('staged_images') }}
    {%- if is_partial_build() %}
    where
        image_key in (select image_key from changed)
        and period_key in (select period_key from periods_of_changed)
    {%- endif %}
),

final as (
    select
        {%- for column in processed_image_columns() if column.name != 'model_version' %}
        {{ quote_name(column.name) }},
        {%- endfor %}
        {{ model_version() }} as model_version
    from contenders
    where version_rank = 1
)

select * from final
