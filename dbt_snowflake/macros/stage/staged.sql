{# The SQL of a staged model: the rows of the partitions to build, without the cells that the leak check found. #}
{% macro staged(table_name) -%}
{%- do require_private_zone() -%}
{%- do refuse_leaks(table_name) -%}
{%- set images = source('raw', 'images') if table_name == 'patients' else none -%}
{%- set body = staged_body(table_name, ref('cleaned_texts'), ref('leaked_values'), ref('kept_codes'), images) -%}
{%- do require_cleaned_partitions(table_name) -%}
{%- set removed = columns_with_findings(table_name) -%}
with keyed as (
    select
        *,
        {{ shift_and_owners(table_name) }}
    from {{ ref('changed_' ~ table_name) }}
),

{{ body }}
{%- if removed %},

findings as (
    select period_key, base_version, row_key, list(column_name) as columns
    from {{ source('private', 'leak_findings') }}
    where table_name = '{{ table_name }}'
    group by all
)

select
    final.* replace (
        {%- for name in removed %}
        case when not coalesce(list_contains(findings.columns, '{{ name }}'), false) then final."{{ name }}" end as "{{ name }}",
        {%- endfor %}
        list_distinct(list_concat(final.leaked_cells, coalesce(findings.columns, []))) as leaked_cells
    )
from final
left join findings
    on final.period_key = findings.period_key
    and final.base_version = findings.base_version
    and final.{{ 'header_key' if table_name == 'images' else 'row_key' }} = findings.row_key
{%- else %}

select * from final
{%- endif %}
{%- endmacro %}

{# The columns of a table in which the leak check found cells that identify a patient. #}
{% macro columns_with_findings(table_name) %}
    {% set findings = source('private', 'leak_findings') %}
    {% if not execute %}{{ return([]) }}{% endif %}
    {% set names = run_query("select distinct column_name from " ~ findings ~ " where table_name = '" ~ table_name ~ "' order by 1").columns[0].values() %}
    {{ return(names | select('in', mapped_columns(table_name) | map(attribute='column_name') | list) | list) }}
{% endmacro %}
