-- The partitions whose texts were cleaned and whose kept values were searched in this build. Only these are
-- built: without its results, a staged row would lose its texts and keep values that identify the patient.
-- depends_on: {{ ref('cleaned_texts') }}, {{ ref('leaked_values') }}, {{ ref('kept_codes') }}
{{ config(materialized='table', schema='private') }}

{{ require_private_zone() }}
{%- for table_name in staged_table_names() %}

{{ "union" if not loop.first }}
select
    '{{ table_name }}' as table_name,
    period_key,
    stage_version
from {{ ref('changed_' ~ table_name) }}
{%- endfor %}
