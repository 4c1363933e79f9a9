-- A keyed hash of the terms that the texts of a partition are cleaned by. It changes when a patient of
-- the partition gains or loses a term anywhere in the archive, if the term can change a cleaned text.
-- The row `all` covers all patients.
{{ config(materialized='table', schema='private') }}

{{ require_private_zone() }}

with patients as (
    {{ with_vault(source('raw', 'patients')) }}
),

identity_rows as (
    {{ with_vault(source('raw', 'identity_terms')) }}
),

patients_of_periods as (
    select distinct
        {{ keyed_id('study_period', 'study_period') }} as period_key,
        {{ entity_key('patient_key') }} as patient_key
    from patients
),

identity_keyed as (
    select distinct
        {{ entity_key('patient_key') }} as patient_key,
        ki,
        ko,
        terms
    from identity_rows
),

identity_lines as (
    select distinct
        patient_key,
        ki,
        ko,
        split_part(element, ':', 1) as kind,
        substr(element, position(':' in element) + 1) as term
    from ({{ unnest_array('identity_keyed', ['patient_key', 'ki', 'ko', 'terms'], string_split('terms', 'chr(10)')) }}) as term_lines
),

identity_tokens as (
    {{ unnest_array('identity_lines', ['patient_key', 'kind', 'term'], string_split('term', "' '")) }}
),

-- Terms of which every token may remain in a cleaned text: allowed words and short numbers. Each visit
-- brings new dates, accession numbers and physicians. Most of these are removed from the texts of every
-- patient, so they are no reason to clean all texts of this patient again.
survivors as (
    select
        identity_tokens.patient_key,
        identity_tokens.kind,
        identity_tokens.term
    from identity_tokens
    left join {{ ref('allowed_words') }} as listed on identity_tokens.element = listed.word
    left join {{ ref('allowed_words_site') }} as of_site on identity_tokens.element = of_site.word
    group by identity_tokens.patient_key, identity_tokens.kind, identity_tokens.term
    having
        identity_tokens.kind in ('name', 'initials', 'dotted', 'contact')
        or identity_tokens.kind in ('person', 'id', 'place') and count(*) = count(
            case
                when coalesce(listed.word, of_site.word) is not null then 1
                when {{ regexp_full_match('identity_tokens.element', '[0-9]{1,4}') }} then 1
            end
        )
),

terms_of_patients as (
    select
        identity_lines.patient_key,
        {{ keyed_id('identity_terms', "identity_lines.kind || ':' || identity_lines.term") }} as terms_digest
    from identity_lines
    inner join survivors
        on identity_lines.patient_key = survivors.patient_key
        and identity_lines.kind = survivors.kind
        and identity_lines.term = survivors.term
),

final as (
    select
        patients_of_periods.period_key,
        {{ sha256(listagg('terms_of_patients.terms_digest', "''", 'order by terms_of_patients.patient_key, terms_of_patients.terms_digest')) }} as terms_digest
    from patients_of_periods
    inner join terms_of_patients on patients_of_periods.patient_key = terms_of_patients.patient_key
    group by patients_of_periods.period_key
    union all
    select
        'all' as period_key,
        {{ sha256(listagg('terms_digest', "''", 'order by patient_key, terms_digest')) }} as terms_digest
    from terms_of_patients
)

select * from final
