{#
    CTEs up to `own_terms`: what identifies the patients of these rows (patient_key, kind, term), from
    all partitions: a surname first seen in a later study is taken out of the earlier ones too. Words
    of identifiers and places that are allowed words say nothing on their own. A row of a device is
    of no patient: there the terms of all patients count, under the key ''. And `study_years`, the
    years of a study's own dates, from which the shift could be told; a device is of no study, and
    its S2000 is no year.
#}
{% macro own_terms_ctes(table_name) -%}
identity_keyed as (
    {%- if 'patient_key' in staged_keys(table_name) %}
    select
        {{ entity_key('patient_key') }} as patient_key,
        key_study,
        terms
    from identity_rows
    {%- else %}
    select
        '' as patient_key,
        '' as key_study,
        terms
    from identity_rows
    {%- endif %}
),

identity_terms as (
    select distinct
        patient_key,
        terms
    from identity_keyed
    where terms != '' and patient_key in (select {{ patient_of_row(table_name) }} from shifted)
),

identity_lines as (
    select distinct
        patient_key,
        split_part(element, ':', 1) as kind,
        substr(element, position(':' in element) + 1) as term
    from ({{ unnest_array('identity_terms', ['patient_key', 'terms'], string_split('terms', 'chr(10)')) }}) as lines
),

study_years as (
    select distinct
        key_study,
        substr(element, 6, 4) as year
    from ({{ unnest_array('identity_keyed', ['key_study', 'terms'], string_split('terms', 'chr(10)')) }}) as lines
    where element like 'date:%' and key_study != '' and key_study in (select {{ study_of_row(table_name) }} from shifted)
),

own_terms as (
    select identity_lines.*
    from identity_lines
    left join listed_words on identity_lines.term = listed_words.word
    where listed_words.word is null or identity_lines.kind in ('name', 'person', 'initials', 'dotted')
)
{%- endmacro %}

{# Rows of a device are of no patient and of no study. #}
{% macro patient_of_row(table_name) %}{{ return('patient_key' if 'patient_key' in staged_keys(table_name) else "''") }}{% endmacro %}

{% macro study_of_row(table_name) %}{{ return('key_study' if 'patient_key' in staged_keys(table_name) else "''") }}{% endmacro %}
