{#
    CTEs up to `cleaned_texts`: what becomes of each distinct text of each study (patient_key,
    key_study, text, clean). Default deny: a word stays if the list of allowed words has it, a number if it is
    short; and the patient's own terms go in any case. Distinct texts first, then joins of tokens: an
    expression made of each patient's own terms would be an order of magnitude slower.
#}
{% macro cleaned_texts_ctes(table_name) -%}
{%- set columns = cleaned_columns(table_name) -%}
{%- set owner = patient_of_row(table_name) ~ " as patient_key, " ~ study_of_row(table_name) ~ " as key_study" -%}
texts as (
    select
        patient_key,
        key_study,
        text,
        row_number() over (order by patient_key, key_study, text) as text_number
    from (
        {%- for column in columns %}
        select {{ owner }}, {{ quote_name(column.column_name) }} as text from shifted
        {{- "\n        union" if not loop.last }}
        {%- else %}
        select {{ owner }}, cast(null as {{ type_name('text') }}) as text from shifted
        {%- endfor %}
    ) as all_texts
    where text is not null
),

without_patterns as (
    select
        patient_key,
        key_study,
        text_number,
        {{ without_patterns('text') }} as text
    from texts
),

pieces as (
    {{ exploded('without_patterns', ['patient_key', 'key_study', 'text_number'], all_matches('text', pieces_pattern())) }}
),

tokens as (
    select
        *,
        lower(element) as token
    from pieces
    where {{ matches('element', tokens_pattern()) }}
),

words as (
    select distinct element as word from tokens where {{ matches('element', letters_pattern()) }}
),

word_parts as (
    {{ exploded('words', ['word'], split_text(split_camel_case('word'), "' '")) }}
),

allowed as (
    select words.word as element
    from words
    inner join listed_words on lower(words.word) = listed_words.word
    union
    select word_parts.word
    from word_parts
    left join listed_words on lower(word_parts.element) = listed_words.word
    group by word_parts.word
    having count(*) = count(listed_words.word) and max(length(word_parts.element)) > 2
),

-- The key '' is of devices, whose texts are of no patient: Philips made it, whoever is called so.
own_tokens as (
    select
        patient_key,
        term as token
    from own_terms
    where term not like '% %' and kind in ('name', 'person', 'id', 'contact') and patient_key != ''
),

-- Terms of several tokens: whole identifiers and names of places, and initials with a full stop.
own_phrases as (
    select
        patient_key,
        term
    from own_terms
    where term like '% %' and (kind != 'place' or length(term) > 8) and patient_key != ''
    union
    select
        patient_key,
        left(term, 1) || ' ' || substr(term, 2, 1) || case when length(term) > 2 then ' ' || substr(term, 3, 1) else '' end
    from own_terms
    where kind = 'initials' and length(term) in (2, 3) and patient_key != ''
),

sentences as (
    select
        patient_key,
        text_number,
        ' ' || {{ joined_text('token', "' '", 'place') }} || ' ' as sentence
    from tokens
    where patient_key in (select patient_key from own_phrases)
    group by patient_key, text_number
),

found_phrases as (
    select
        sentences.text_number,
        own_phrases.term
    from sentences
    inner join own_phrases on sentences.patient_key = own_phrases.patient_key
    where position(' ' || own_phrases.term || ' ' in sentences.sentence) > 0
),

found_tokens as (
    select distinct
        text_number,
        element as token
    from ({{ exploded('found_phrases', ['text_number'], split_text('term', "' '")) }}) as parts
),

judged as (
    select
        pieces.text_number,
        pieces.place,
        case
            when {{ matches('pieces.element', separators_pattern()) }} then pieces.element
            when coalesce(own_tokens.token, found_tokens.token, study_years.year) is not null then {{ removal_mark() }}
            when {{ matches('pieces.element', '[0-9]{1,4}') }} or allowed.element is not null then pieces.element
            else {{ removal_mark() }}
        end as element
    from pieces
    left join allowed on pieces.element = allowed.element
    left join own_tokens on pieces.patient_key = own_tokens.patient_key and lower(pieces.element) = own_tokens.token
    left join found_tokens on pieces.text_number = found_tokens.text_number and lower(pieces.element) = found_tokens.token
    left join study_years on pieces.key_study = study_years.key_study and pieces.element = study_years.year
),

assembled as (
    select
        text_number,
        {{ joined_text('element', "''", 'place') }} as text
    from judged
    group by text_number
),

cleaned_texts as (
    select
        texts.patient_key,
        texts.key_study,
        texts.text,
        {{ with_markers('assembled.text') }} as clean
    from texts
    inner join assembled on texts.text_number = assembled.text_number
)
{%- endmacro %}

{# The columns of a table whose text is cleaned under the chosen profile. #}
{% macro cleaned_columns(table_name) %}
    {{ return(mapped_columns(table_name) | selectattr('function', 'equalto', 'clean_text') | list) }}
{% endmacro %}
