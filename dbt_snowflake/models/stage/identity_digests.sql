-- What the texts of a partition are cleaned by, as a keyed hash: it changes when a patient of the
-- partition gains or loses a term, anywhere in the archive, that could make a difference to a text.
-- The row `all` is of all patients.
{{ config(materialized='table') }}

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
    from ({{ exploded('identity_keyed', ['patient_key', 'ki', 'ko', 'terms'], split_text('terms', 'chr(10)')) }}) as term_lines
),

identity_tokens as (
    {{ exploded('identity_lines', ['patient_key', 'kind', 'term'], split_text('term', "' '")) }}
),

-- Terms of which every token could stand in a cleaned text: allowed words and short numbers. With
-- each visit come new dates, accession numbers and physicians, most of which are taken out of any
-- text whosever they are: they are no reason to clean all texts of the patient again.
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
                when {{ matches('identity_tokens.element', '[0-9]{1,4}') }} then 1
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
        {{ hash_text(joined_text('terms_of_patients.terms_digest', "''", 'terms_of_patients.patient_key, terms_of_patients.terms_digest')) }} as terms_digest
    from patients_of_periods
    inner join terms_of_patients on patients_of_periods.patient_key = terms_of_patients.patient_key
    group by patients_of_periods.period_key
    union all
    select
        'all' as period_key,
        {{ hash_text(joined_text('terms_digest', "''", 'patient_key, terms_digest')) }} as terms_digest
    from terms_of_patients
)

select * from final
