-- The distinct values of columns that are kept as they are, of the partitions to build. A view: raw values
-- are stored in the raw zone only.
-- depends_on: {{ ref('identity_digests') }}, {{ ref('cleaning_rules') }}
{{ config(materialized='view', schema='private') }}

{{ require_private_zone() }}

with
{{ keyed_tables() }}
{%- for table_name in staged_table_names() %}

{{ "union all" if not loop.first }}
{{ kept_values(table_name, table_name) }}
{%- endfor %}
