{#
    What happens to a raw row, without the names of relations: the CTEs from `raw_rows` to `final`.
    Its hash is part of a partition's version, so that a change in the mapping or in any macro
    rebuilds what it changes and nothing else.
#}
{% macro staged_body(table_name) -%}
{%- set patient = patient_of_row(table_name) -%}
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

{{ own_terms_ctes(table_name) }},

{% if sequence_columns(table_name) %}{{ sequence_parts_ctes(table_name) }},{% endif %}

{{ cleaned_texts_ctes(table_name) }},

{{ leaks_ctes(table_name) }},

{% if sequence_columns(table_name) %}{{ cleaned_sequences_ctes(table_name) }},{% endif %}

joined as (
    select
        shifted.*,
        leaks.cells as leaked_here,
        shapes.cells as leaked_anywhere
        {%- for column in cleaned_columns(table_name) %},
        {{ column.column_name }}_texts.clean as text_{{ column.column_name }}
        {%- endfor %}
        {%- for column in sequence_columns(table_name) %},
        {{ column.column_name }}_sequences.clean as text_{{ column.column_name }},
        coalesce({{ column.column_name }}_sequences.is_leaked, false) as leaked_{{ column.column_name }}
        {%- endfor %}
    from shifted
    cross join shapes
    left join leaks on {{ "shifted." if patient == 'patient_key' }}{{ patient }} = leaks.patient_key
    {%- for column in cleaned_columns(table_name) %}
    left join cleaned_texts as {{ column.column_name }}_texts
        on {{ "shifted." if patient == 'patient_key' }}{{ patient }} = {{ column.column_name }}_texts.patient_key
        and {{ "shifted." if patient == 'patient_key' }}{{ study_of_row(table_name) }} = {{ column.column_name }}_texts.key_study
        and shifted.{{ quote_name(column.column_name) }} = {{ column.column_name }}_texts.text
    {%- endfor %}
    {%- for column in sequence_columns(table_name) %}
    left join cleaned_sequences as {{ column.column_name }}_sequences
        on shifted.patient_key = {{ column.column_name }}_sequences.patient_key
        and shifted.key_study = {{ column.column_name }}_sequences.key_study
        and shifted.{{ quote_name(column.column_name) }} = {{ column.column_name }}_sequences.text
    {%- endfor %}
),

cleaned as (
    select
        joined.*
        {%- for column in mapped_columns(table_name) %},
        {{ deidentified(column) }} as clean_{{ column.column_name }}
        {%- endfor %}
    from joined
),

final as (
    select
        {%- for column in staged_columns(table_name) %}
        {{ column.sql }} as {{ quote_name(column.name) }}{{ "," if not loop.last }}
        {%- endfor %}
    from cleaned
)
{%- endmacro %}
