-- The distinct texts and sequences of the partitions to build, by patient and study. A view: texts are
-- stored in the raw zone only. A text that two tables of a study have is one row.
-- depends_on: {{ ref('identity_digests') }}, {{ ref('cleaning_rules') }}
{{ config(materialized='view', schema='private') }}

{{ require_private_zone() }}

with
{{ keyed_tables() }}
{%- for table_name in staged_table_names() %}

{{ "union" if not loop.first }}
{{ texts_to_clean(table_name, table_name) }}
{%- endfor %}
