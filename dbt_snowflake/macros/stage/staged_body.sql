{#
    The CTEs after `keyed` up to `final`, without names of relations: join with the cleaned texts and the leaked
    values, then cast and de-identify. A hash of this SQL is part of the version of a partition, so that a change
    of the mapping or of a macro rebuilds only the tables that it affects.
#}
{% macro staged_body(table_name) -%}
{%- set patient, study = patient_of_row(table_name), study_of_row(table_name) -%}
texts as (
    select
        distinct_texts.kind,
        distinct_texts.patient_key,
        distinct_texts.study_key,
        distinct_texts.text,
        cleaned_texts.clean,
        cleaned_texts.is_leaked
    from ({{ texts_to_clean(table_name, 'keyed') }}) as distinct_texts
    inner join cleaned_texts
        on distinct_texts.kind = cleaned_texts.kind
        and distinct_texts.patient_key = cleaned_texts.patient_key
        and distinct_texts.study_key = cleaned_texts.study_key
        and distinct_texts.text_key = cleaned_texts.text_key
),

leaks as (
    select
        leaked_values.patient_key,
        {{ array_agg("kept_values.column_name || ':' || kept_values.value") }} as cells
    from ({{ kept_values(table_name, 'keyed') }}) as kept_values
    inner join leaked_values
        on kept_values.column_name = leaked_values.column_name
        and kept_values.value_key = leaked_values.value_key
    group by leaked_values.patient_key
),

joined as (
    select
        keyed.*,
        {%- if has_patient(table_name) %}
        {{ shift_days('keyed.patient_key') }} as shift_days,
        {%- endif %}
        leaks.cells as leaked_here,
        leaks_of_anybody.cells as leaked_anywhere
        {%- for column in cleaned_columns(table_name) + sequence_columns(table_name) %},
        {{ column.column_name }}_texts.clean as text_{{ column.column_name }}
        {%- endfor %}
        {%- for column in sequence_columns(table_name) %},
        coalesce({{ column.column_name }}_texts.is_leaked, false) as leaked_{{ column.column_name }}
        {%- endfor %}
    from keyed
    left join leaks on {{ "keyed." if has_patient(table_name) }}{{ patient }} = leaks.patient_key
    left join leaks as leaks_of_anybody on leaks_of_anybody.patient_key = '*'
    {%- for column in cleaned_columns(table_name) + sequence_columns(table_name) %}
    left join texts as {{ column.column_name }}_texts
        on {{ column.column_name }}_texts.kind = '{{ "sequence" if column.function == "clean_sequence" else "text" }}'
        and {{ "keyed." if has_patient(table_name) }}{{ patient }} = {{ column.column_name }}_texts.patient_key
        and {{ "keyed." if has_patient(table_name) }}{{ study }} = {{ column.column_name }}_texts.study_key
        and keyed.{{ quote_name(column.column_name) }} = {{ column.column_name }}_texts.text
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
