-- A keyed hash of the terms that the texts of a partition are cleaned by. It changes when a patient of
-- the partition gains or loses a term anywhere in the archive, if the term can change a cleaned text.
-- The row `all` covers all patients.
{{ config(materialized='table', schema='private') }}

{{ require_private_zone() }}

with patients_of_periods as (
    select distinct
        {{ keyed_id('study_period', 'patient_rows.study_period') }} as period_key,
        {{ entity_key('patient_key') }} as patient_key
    from {{ source('raw', 'patients') }} as patient_rows
    cross join {{ source('vault', 'keys') }}
),

term_lines as (
    select distinct
        {{ entity_key('patient_key') }} as patient_key,
        ki,
        ko,
        unnest(string_split(terms, chr(10))) as term_line
    from {{ source('raw', 'identity_terms') }}
    cross join {{ source('vault', 'keys') }}
),

tokens as (
    select
        *,
        split_part(term_line, ':', 1) as kind,
        unnest(string_split(substr(term_line, position(':' in term_line) + 1), ' ')) as token
    from term_lines
),

words as (
    select word from {{ ref('allowed_words') }}
    union
    select word from {{ ref('allowed_words_site') }}
),

-- Terms of which every token may remain in a cleaned text: allowed words and short numbers. Each visit
-- brings new dates, accession numbers and physicians. Most of these are removed from the texts of every
-- patient, so they are no reason to clean all texts of this patient again.
terms as (
    select
        tokens.patient_key,
        {{ keyed_id('identity_terms', 'tokens.term_line') }} as term_digest
    from tokens
    left join words on tokens.token = words.word
    group by tokens.patient_key, tokens.ki, tokens.ko, tokens.term_line, tokens.kind
    having
        tokens.kind in ('name', 'initials', 'dotted', 'contact')
        or tokens.kind in ('person', 'id', 'place')
        and bool_and(words.word is not null or regexp_full_match(tokens.token, '[0-9]{1,4}'))
),

patients as (
    select
        patient_key,
        sha256(string_agg(term_digest, '' order by term_digest)) as patient_digest
    from terms
    group by patient_key
),

final as (
    select
        patients_of_periods.period_key,
        sha256(string_agg(patients.patient_digest, '' order by patients.patient_key)) as terms_digest
    from patients_of_periods
    inner join patients on patients_of_periods.patient_key = patients.patient_key
    group by patients_of_periods.period_key
    union all
    select
        'all' as period_key,
        sha256(string_agg(patient_digest, '' order by patient_key)) as terms_digest
    from patients
)

select * from final
