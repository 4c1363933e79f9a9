{# The distinct texts and sequences in rows with entity keys. Rows of a device belong to no patient and no study. #}
{% macro texts_of_table(table_name, rows) -%}
{%- set columns, sequences = cleaned_columns(table_name), sequence_columns(table_name) -%}
select distinct
        {%- if sequences %}
        case when column_name in (
            {{ name_lines(sequences, 12) | replace('"', "'") }}
        ) then 'sequence' else 'text' end as kind,
        {%- else %}
        'text' as kind,
        {%- endif %}
        {{ owners_of_texts(table_name) }}, ki, ko, text
    from {{ unpivoted(rows, columns + sequences, 'text') }}
{%- endmacro %}

{# The keys by which texts are cleaned; empty for devices. #}
{% macro owners_of_texts(table_name) %}
    {% if has_patient(table_name) %}{{ return("patient_key, study_key, patient_of_dates") }}{% endif %}
    {{ return("'' as patient_key, '' as study_key, '' as patient_of_dates") }}
{% endmacro %}

{# The distinct values of kept columns in rows with entity keys, with another column if it is given. #}
{% macro values_of_table(table_name, rows, other='') -%}
select distinct '{{ table_name }}' as table_name, column_name,{{ other }} ki, ko, value
    from {{ unpivoted(rows, kept_text_columns(table_name), 'value') }}
{%- endmacro %}

{# Rows with one row per value of some columns that is not null: `column_name`, and the value. #}
{% macro unpivoted(rows, columns, value) %}
    {% if not columns %}
        {{ return("(select *, '' as column_name, '' as " ~ value ~ " from " ~ rows ~ " where false)") }}
    {% endif %}
    {{ return(rows ~ " unpivot (" ~ value ~ " for column_name in (\n        " ~ name_lines(columns, 8) ~ "\n    ))") }}
{% endmacro %}

{% macro has_patient(table_name) %}{{ return('patient_key' in staged_keys(table_name)) }}{% endmacro %}
