{# The distinct texts and sequences in keyed rows, with the key of their result in `cleaned_texts`. #}
{% macro texts_to_clean(table_name, keyed) -%}
    select distinct
        kind,
        patient_key,
        study_key,
        {{ keyed_id('text', 'text') }} as text_key,
        shift_days,
        text
    from (
        {%- for kind, columns in [('text', cleaned_columns(table_name)), ('sequence', sequence_columns(table_name))] %}
        {{ "union all" if not loop.first }}
        select
            '{{ kind }}' as kind,
            {{ patient_of_row(table_name) }} as patient_key,
            {{ study_of_row(table_name) }} as study_key,
            {{ shift_days('patient_key') if has_patient(table_name) else 'null' }} as shift_days,
            ki,
            ko,
            unnest(cast([{% for c in columns %}{{ quote_name(c.column_name) }}{{ ", " if not loop.last }}{% endfor %}] as varchar[])) as text
        from {{ keyed }}
        {%- endfor %}
    ) as all_texts
    where text is not null
{%- endmacro %}

{% macro has_patient(table_name) %}{{ return('patient_key' in staged_keys(table_name)) }}{% endmacro %}

{# Rows of a device belong to no patient and no study. #}
{% macro patient_of_row(table_name) %}{{ return('patient_key' if has_patient(table_name) else "''") }}{% endmacro %}

{% macro study_of_row(table_name) %}{{ return('study_key' if has_patient(table_name) else "''") }}{% endmacro %}
