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
        {%- if sequence_columns(table_name) %}
        union
        select patient_key, key_study, text from sequence_values where action = 'clean_text'
        {%- endif %}
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
    {{ unnest_array('without_patterns', ['patient_key', 'key_study', 'text_number'], regexp_extract_all('text', pieces_pattern())) }}
),

tokens as (
    select
        *,
        lower(element) as token
    from pieces
    where {{ regexp_full_match('element', tokens_pattern()) }}
),

words as (
    select distinct element as word from tokens where {{ regexp_full_match('element', letters_pattern()) }}
),

word_parts as (
    {{ unnest_array('words', ['word'], string_split(split_camel_case('word'), "' '")) }}
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
    having
        count(*) = count(listed_words.word)
        -- two letters of a script that writes whole words with them are enough
        and max(case when {{ regexp_full_match('word_parts.element', latin_letters_pattern()) }} then length(word_parts.element) else 3 end) > 2
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
        term,
        '' as dotted
    from own_terms
    where term like '% %' and (kind != 'place' or length(term) > 8 or length(term) > 5 and {{ regexp_full_match('term', '.*[0-9].*') }}) and patient_key != ''
    union
    select
        patient_key,
        left(term, 1) || ' ' || substr(term, 2, 1) || case when length(term) > 2 then ' ' || substr(term, 3, 1) else '' end as term,
        left(term, 1) || '.' || substr(term, 2, 1) || case when length(term) > 2 then '.' || substr(term, 3, 1) else '' end as dotted
    from own_terms
    where kind in ('initials', 'dotted') and length(term) in (2, 3) and patient_key != ''
    union
    -- a scanner's model may look like somebody's number; its words are its own
    select
        patient_key,
        term,
        '' as dotted
    from own_terms
    where
        patient_key = '' and kind in ('id', 'contact', 'place') and term like '% %' and {{ regexp_full_match('term', '.*([0-9].*){4}') }}
        and split_part(term, ' ', 1) in (select token from tokens)
),

-- Initials in capitals: lower-case letters in a row are a word.
own_initials as (
    select
        patient_key,
        upper(term) as token,
        kind
    from own_terms
    where kind in ('initials', 'dotted') and patient_key != ''
),

-- A name that is glued to something else: MBien, of a patient named Bien.
found_parts as (
    select distinct
        tokens.patient_key,
        tokens.element
    from tokens
    inner join word_parts on tokens.element = word_parts.word and word_parts.word != word_parts.element
    inner join own_tokens on tokens.patient_key = own_tokens.patient_key and lower(word_parts.element) = own_tokens.token
    -- scripts without spaces: a name stands inside a run of letters
    union
    select
        tokens.patient_key,
        tokens.element
    from tokens
    inner join words on tokens.element = words.word and not {{ regexp_full_match('words.word', latin_letters_pattern()) }}
    inner join own_tokens
        on tokens.patient_key = own_tokens.patient_key
        and position(own_tokens.token in tokens.token) > 0
        and not {{ regexp_full_match('own_tokens.token', latin_letters_pattern()) }}
),

-- From the text as it was: patterns take parts of a phrase away.
texts_of_phrases as (
    select *
    from texts
    where patient_key in (select patient_key from own_phrases)
),

tokens_of_phrases as (
    {{ unnest_array('texts_of_phrases', ['patient_key', 'text_number', 'text'], regexp_extract_all('text', tokens_pattern())) }}
),

sentences as (
    select
        patient_key,
        text_number,
        replace(lower(text), '. ', '.') as text,
        ' ' || {{ listagg('lower(element)', "' '", 'order by place') }} || ' ' as sentence
    from tokens_of_phrases
    group by patient_key, text_number, text
),

found_phrases as (
    select
        sentences.text_number,
        own_phrases.term,
        own_phrases.dotted
    from sentences
    inner join own_phrases on sentences.patient_key = own_phrases.patient_key
    where
        position(' ' || own_phrases.term || ' ' in sentences.sentence) > 0
        and (own_phrases.dotted = '' or position(own_phrases.dotted in sentences.text) > 0)
),

found_tokens as (
    select distinct
        text_number,
        element as token
    from ({{ unnest_array('found_phrases', ['text_number', 'term', 'dotted'], string_split('term', "' '")) }}) as parts
    -- the letter of X1234 is in too many words: 512x512
    where dotted = '' and (length(term) <= 5 or not {{ regexp_full_match('element', '[a-z]') }})
),

-- Whether letters are initials is decided by what stands beside them.
possible_initials as (
    select
        tokens.text_number,
        tokens.place,
        own_initials.kind
    from tokens
    inner join own_initials on tokens.patient_key = own_initials.patient_key and tokens.element = own_initials.token
    union all
    select
        tokens.text_number,
        tokens.place,
        'letter' as kind
    from tokens
    inner join ({{ unnest_array('found_phrases', ['text_number', 'dotted'], string_split('dotted', "'.'")) }}) as letters
        on tokens.text_number = letters.text_number and tokens.token = letters.element
),

beside_initials as (
    select
        text_number,
        place,
        element
    from pieces
    where text_number in (select text_number from possible_initials)
),

found_initials as (
    select
        possible_initials.text_number,
        {{ array_agg('possible_initials.place') }} as places
    from possible_initials
    left join beside_initials as before
        on possible_initials.text_number = before.text_number and possible_initials.place = before.place + 1
    left join beside_initials as earlier
        on possible_initials.text_number = earlier.text_number and possible_initials.place = earlier.place + 2
    left join beside_initials as after
        on possible_initials.text_number = after.text_number and possible_initials.place = after.place - 1
    where {{ are_initials() }}
    group by possible_initials.text_number
),

judged as (
    select
        pieces.text_number,
        pieces.place,
        case
            when {{ regexp_full_match('pieces.element', separators_pattern()) }} then replace(pieces.element, {{ moment_mark() }}, {{ removal_mark() }})
            when coalesce(own_tokens.token, found_parts.element, found_tokens.token, study_years.year) is not null or {{ array_contains('found_initials.places', 'pieces.place') }} then {{ removal_mark() }}
            when {{ regexp_full_match('pieces.element', '[0-9]{1,4}') }} or allowed.element is not null then pieces.element
            else {{ removal_mark() }}
        end as element
    from pieces
    left join allowed on pieces.element = allowed.element
    left join own_tokens on pieces.patient_key = own_tokens.patient_key and lower(pieces.element) = own_tokens.token
    left join found_initials on pieces.text_number = found_initials.text_number
    left join found_parts on pieces.patient_key = found_parts.patient_key and pieces.element = found_parts.element
    left join found_tokens on pieces.text_number = found_tokens.text_number and lower(pieces.element) = found_tokens.token
    left join study_years on pieces.key_study = study_years.key_study and pieces.element = study_years.year
),

assembled as (
    select
        text_number,
        {{ listagg('element', "''", 'order by place') }} as text
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

{#
    Letters that are a patient's or a physician's initials, by their kind and the pieces beside them.
    `initials`: wherever they stand, but not hanging on a number, where they are the name of a kernel or
    a sequence (LS16, FC10, FL3D); if no list knows them they go there too. `dotted`, what imaging
    abbreviates so: where somebody signs or is named, alone in parentheses, and beside a date or a time
    (12:04 FB). `letter`, of initials with full stops: beside a full stop, for the C of C.D. is not that
    of C-SPINE.
#}
{% macro are_initials() %}
    {% set number = '[0-9]+' %}
    {{ return(
        "case possible_initials.kind"
        ~ " when 'initials' then not (" ~ regexp_full_match("coalesce(before.element, '')", number) ~ " or " ~ regexp_full_match("coalesce(after.element, '')", number) ~ ")"
        ~ " when 'dotted' then coalesce(position(" ~ moment_mark() ~ " in before.element || coalesce(after.element, '')) > 0, false)"
        ~ " or before.element like '%(' and after.element like ')%'"
        ~ " or lower(earlier.element) in ('" ~ signing_words() | join("', '") ~ "') and position('/' in before.element) = 0"
        ~ " else before.element in ('.', '. ') or after.element like '.%' end"
    ) }}
{% endmacro %}

{# Words after which a person is named, however short. #}
{% macro signing_words() %}
    {{ return([
        'by', 'tech', 'techs', 'technologist', 'technician', 'radiographer', 'sonographer', 'operator', 'op', 'rt', 'mta', 'mtr', 'mtra',
        'nurse', 'rn', 'md', 'dr', 'doctor', 'physician', 'radiologist', 'reader', 'attending', 'resident', 'fellow', 'initials', 'name',
        'staff', 'user', 'student', 'trainee', 'init', 'sig', 'signature', 'qc', 'qa', 'scanned', 'done', 'processed', 'postprocessed',
        'prepared', 'positioned', 'marked', 'injected', 'signed', 'verified', 'reviewed', 'checked', 'corrected', 'approved', 'dictated',
        'performed', 'per',
        'patient', 'pat', 'pt', 'subject', 'volunteer', 'participant', 'research', 'proband',
        'von', 'durch', 'par', 'por', 'door', 'przez', 'untersucher', 'operateur', 'operador', 'operatore', 'paciente', 'paziente', 'pacjent',
    ]) }}
{% endmacro %}
