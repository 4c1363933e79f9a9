{# The raw rows of partitions, with their entity keys. The partitions are those to build, unless a relation is given. #}
{% macro keyed_rows(table_name, partitions=none) -%}
    select
        raw.*,
        partitions.period_key,
        partitions.stage_version,
        vault.ki,
        vault.ko
        {%- for key in staged_keys(table_name) %},
        {{ entity_key(key) }} as {{ key }}
        {%- endfor %}
    from ({{ raw_rows(table_name) }}) as raw
    inner join {{ partitions or "(" ~ changed_partitions(table_name) ~ ")" }} as partitions on raw.study_period = partitions.study_period
    cross join {{ source('vault', 'keys') }} as vault
{%- endmacro %}

{# A CTE for each table with its keyed rows of the partitions to build, by the name of the table. #}
{% macro keyed_tables() -%}
    {%- for table_name in staged_table_names() %}
{{ table_name }} as (
    {{ keyed_rows(table_name) }}
){{ "," if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Partitions whose current version is not in the staged table. #}
{% macro changed_partitions(table_name) -%}
    select * from ({{ current_partitions(table_name) }}) as now
    {%- set staged = staged_relation(table_name) %}
    {%- if staged is not none and not flags.FULL_REFRESH and not columns_changed(staged) %}
    where (period_key, stage_version) not in (select period_key, stage_version from {{ staged }})
    {%- endif %}
{%- endmacro %}

{# The staged table if it exists. It is not a `ref`, because models upstream of it use this macro too. #}
{% macro staged_relation(table_name) %}
    {% if not execute %}{{ return(none) }}{% endif %}
    {{ return(load_relation(api.Relation.create(database=target.database, schema='stage', identifier='staged_' ~ table_name))) }}
{% endmacro %}
