{# The SQL of a staged model: the rows of the partitions whose current version is not in the table. #}
{% macro staged(table_name) -%}
{{ require_private_zone() }}
with keyed as (
    {{ keyed_rows(table_name) }}
),

cleaned_texts as (
    select * from {{ ref('cleaned_texts') }}
),

leaked_values as (
    select * from {{ ref('leaked_values') }} where table_name = '{{ table_name }}'
),

{{ staged_body(table_name) }}

select * from final
{%- endmacro %}
