{# The SQL of a model `changed_…`: the raw rows of the partitions to build, with entity keys. #}
{% macro changed_rows(table_name) -%}
{%- do require_private_zone() -%}
{%- do mapped_columns(table_name) -%}{# so that dbt sees which seeds `columns_changed` reads #}
with raw as not materialized (
    {{ raw_rows(table_name) }}
),

-- the period itself is in the raw zone only, because the true month would reveal the date shift
partitions as (
    select
        periods.study_period,
        versions.period_key,
        versions.base_version,
        versions.stage_version
    from (select distinct study_period, raw_version from raw) as periods
    cross join {{ source('vault', 'keys') }} as vault
    inner join {{ ref('partition_versions') }} as versions
        on versions.table_name = '{{ table_name }}'
        and versions.period_key = {{ keyed_id('study_period', 'periods.study_period') }}
        and versions.raw_version = periods.raw_version
    {{- where_not_staged(table_name, 'versions') }}
),

keyed as (
    select
        raw.*,
        partitions.* exclude (study_period),
        vault.ki,
        vault.ko
        {%- for key in staged_keys(table_name) %},
        {{ entity_key(key) }} as {{ key }}
        {%- endfor %}
    from raw
    cross join {{ source('vault', 'keys') }} as vault
    inner join partitions on raw.study_period = partitions.study_period
),

final as (
    select
        keyed.*
        {%- if has_patient(table_name) %},
        coalesce(study_patients.patient_key, keyed.patient_key) as patient_of_dates
        {%- endif %}
    from keyed
    {%- if has_patient(table_name) %}
    left join {{ ref('study_patients') }} as study_patients
        on keyed.period_key = study_patients.period_key
        and keyed.study_key = study_patients.study_key
    {%- endif %}
)

select * from final
{%- endmacro %}

{# Raw rows of loaded files. Of several files with equal headers, one is loaded and the others are duplicates. #}
{% macro raw_rows(table_name) -%}
select * from {{ source('raw', table_name) }}
    {%- if table_name == 'images' %}
    where file_outcome = 'loaded'
    {%- endif %}
{%- endmacro %}

{# Restricts versions of partitions to those that the staged table does not have, unless all have to be built. #}
{% macro where_not_staged(table_name, versions) %}
    {% set staged = staged_relation(table_name) %}
    {% if staged is none or flags.FULL_REFRESH or columns_changed(staged) %}{{ return("") }}{% endif %}
    {{ return(
        "\n        and (" ~ versions ~ ".period_key, " ~ versions ~ ".stage_version) not in (\n"
        ~ "            select period_key, stage_version from " ~ staged ~ "\n        )"
    ) }}
{% endmacro %}

{# The staged table if it exists. It is not a `ref`, because models upstream of it use this macro too. #}
{% macro staged_relation(table_name) %}
    {% if not execute %}{{ return(none) }}{% endif %}
    {{ return(load_relation(api.Relation.create(database=target.database, schema='stage', identifier='staged_' ~ table_name))) }}
{% endmacro %}
