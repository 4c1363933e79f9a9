{#
    What happens to a raw row, without the names of relations: the CTEs from `raw_rows` to `final`.
    Its hash is part of a partition's version, so that a change in the mapping or in any macro
    rebuilds what it changes and nothing else.
#}
{% macro staged_body(table_name) -%}
keyed as (
    select
        raw_rows.*
        {%- for key in staged_keys(table_name) %},
        {{ entity_key(key) }} as {{ key }}
        {%- endfor %}
    from raw_rows
),

shifted as (
    select
        keyed.*
        {%- if 'patient_key' in staged_keys(table_name) %},
        {{ shift_days('patient_key') }} as shift_days
        {%- endif %}
    from keyed
),

cleaned as (
    select
        shifted.*
        {%- for column in mapped_columns(table_name) %},
        {{ deidentified(column) }} as clean_{{ column.column_name }}
        {%- endfor %}
    from shifted
),

final as (
    select
        {%- for column in staged_columns(table_name) %}
        {{ column.sql }} as {{ quote_name(column.name) }}{{ "," if not loop.last }}
        {%- endfor %}
    from cleaned
)
{%- endmacro %}
