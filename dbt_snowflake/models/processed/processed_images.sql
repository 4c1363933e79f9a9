-- depends_on: {{ ref('anonymization_mapping') }}, {{ ref('confidentiality_profile') }}, {{ ref('vr_functions') }}
{{ config(materialized='incremental', incremental_strategy='replace_images') }}

-- Tables are referenced where they are read: DuckDB would keep a CTE that several others use in memory,
-- with all columns of all images.
with study_versions as (
    select
        study_key,
        study_version_key,
        row_number() over (
            partition by study_key
            order by max(version_created) desc, max(version_file_time) desc, study_version_key desc
        ) as version_rank
    from {{ ref('staged_images') }}
    group by study_key, study_version_key
),

-- Of files with one creation time, those of one version of the series are used.
series_versions as (
    select
        study_version_key,
        series_row_key,
        row_number() over (
            partition by study_version_key
            order by max(version_created) desc, max(version_file_time) desc, series_row_key desc
        ) as series_rank
    from {{ ref('staged_images') }}
    group by study_version_key, series_row_key
),
{% if is_partial_build() %}
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

-- Images to build: of new partitions, of partitions that are gone, with several versions, of a version of the
-- study with another rank, or built by an older version of this model.
changed as (
    select image_key from {{ ref('staged_images') }}
    where (period_key, stage_version) not in (select * from known_versions)
    union
    select image_key from {{ this }}
    where (period_key, stage_version) not in (select * from staged_versions)
    union
    select image_key from {{ this }}
    where instance_versions > 1 or model_version != {{ model_version() }}
    union
    select built.image_key
    from {{ this }} as built
    inner join study_versions on built.study_version_key = study_versions.study_version_key
    where built.version_rank != study_versions.version_rank
),

-- Only rows of these periods are read with all columns.
periods_of_changed as (
    select distinct period_key from {{ ref('staged_images') }}
    where image_key in (select image_key from changed)
),
{% endif %}
contenders as (
    select
        staged.image_key,
        staged.study_key,
        staged.period_key,
        staged.instance_precedence,
        study_versions.version_rank,
        left(staged.instance_precedence, 18) as created,
        row_number() over (
            partition by staged.image_key, staged.study_key
            order by
                study_versions.version_rank asc,
                left(staged.instance_precedence, 18) desc,
                series_versions.series_rank asc,
                staged.instance_precedence desc,
                staged.period_key desc
        ) as rank_in_study
    from {{ ref('staged_images') }} as staged
    inner join study_versions on staged.study_version_key = study_versions.study_version_key
    inner join series_versions
        on staged.study_version_key = series_versions.study_version_key
        and staged.series_row_key = series_versions.series_row_key
    {%- if is_partial_build() %}
    where staged.image_key in (select image_key from changed)
    {%- endif %}
),

-- An image in several studies is that of the study with the latest creation time.
ranked as (
    select
        image_key,
        period_key,
        instance_precedence,
        version_rank,
        count(*) over (partition by image_key) as instance_versions,
        row_number() over (partition by image_key order by rank_in_study asc, created desc, study_key desc) as image_rank
    from contenders
),

final as (
    select
        {%- for column in staged_image_columns() %}
        staged.{{ quote_name(column.name) }},
        {%- endfor %}
        ranked.version_rank,
        ranked.instance_versions,
        ranked.instance_versions > 1 or ranked.version_rank > 1 as has_conflict,
        {{ model_version() }} as model_version
    from {{ ref('staged_images') }} as staged
    inner join ranked
        on staged.image_key = ranked.image_key
        and staged.period_key = ranked.period_key
        and staged.instance_precedence = ranked.instance_precedence
    where
        ranked.image_rank = 1
        {%- if is_partial_build() %}
        and staged.period_key in (select period_key from periods_of_changed)
        {%- endif %}
)

select * from final
