{#
    CTEs up to `leaks` and `shapes`: values of columns that are kept as they are, or as codes, in
    which a term of the same patient stands (patient_key, cells: column and value), and codes that
    have the shape of an identifier, whosever. Defined terms of the standard are no leak: the body
    part HAND of a patient named Hand. Values are few, terms many: so the distinct values of all
    patients meet the terms by their tokens.
#}
{% macro leaks_ctes(table_name) -%}
kept_values as (
    {%- for column in kept_text_columns(table_name) %}
    select distinct '{{ column.column_name }}' as column_name, '{{ column.attribute }}' as attribute, {{ quote_name(column.column_name) }} as value, {{ 'false' if table_name == 'devices' else 'true' }} as is_code, {{ 'true' if column.is_array else 'false' }} as is_array
    from shifted
    where {{ quote_name(column.column_name) }} is not null and {{ is_short_enough(quote_name(column.column_name)) }}
    {{- "\n    union all" if not loop.last }}
    {%- else %}
    select cast(null as {{ type_name('text') }}) as column_name, cast(null as {{ type_name('text') }}) as attribute, cast(null as {{ type_name('text') }}) as value, false as is_code, false as is_array
    where false
    {%- endfor %}
    {%- if sequence_columns(table_name) %}
    union all
    select distinct tag as column_name, keyword as attribute, text as value, not is_standard as is_code, false as is_array
    from sequence_values
    where action = 'keep'
    {%- endif %}
),

kept_elements as (
    -- of a single value the backslash is a part: a term may reach over it
    {{ unnest_array('kept_values', ['column_name', 'attribute', 'value', 'is_code'], string_split("case when is_array then value else replace(value, chr(92), ' ') end", "chr(92)")) }}
),

undefined_elements as (
    select
        kept_elements.column_name,
        kept_elements.value,
        kept_elements.is_code,
        lower(kept_elements.element) as whole
    from kept_elements
    left join listed_terms
        on kept_elements.attribute = listed_terms.attribute and trim(kept_elements.element) = listed_terms.term
    where listed_terms.term is null
),

kept_tokens as (
    {{ unnest_array('undefined_elements', ['column_name', 'value', 'whole'], regexp_extract_all('whole', tokens_pattern())) }}
),

kept_sentences as (
    select
        column_name,
        value,
        ' ' || {{ listagg('element', "' '", 'order by place') }} || ' ' as sentence
    from kept_tokens
    group by column_name, value, whole
),

telling_terms as (
    select patient_key, term
    from own_terms
    where {{ is_telling(table_name) }}
),

leaked_values as (
    select distinct
        telling_terms.patient_key,
        kept_tokens.column_name || ':' || kept_tokens.value as cell
    from telling_terms
    inner join kept_tokens on split_part(telling_terms.term, ' ', 1) = kept_tokens.element
    inner join kept_sentences
        on kept_tokens.column_name = kept_sentences.column_name
        and kept_tokens.value = kept_sentences.value
        and position(' ' || telling_terms.term || ' ' in kept_sentences.sentence) > 0
    -- scripts without spaces: a name stands inside a run of letters
    union
    select
        own_terms.patient_key,
        kept_sentences.column_name || ':' || kept_sentences.value
    from kept_sentences
    inner join own_terms on position(own_terms.term in kept_sentences.sentence) > 0
    where
        own_terms.kind = 'name'
        and not {{ regexp_full_match('own_terms.term', '[ -~À-ɏ]*') }}
        and not {{ regexp_full_match('kept_sentences.sentence', '[ -~]*') }}
),

leaks as (
    select
        patient_key,
        {{ array_agg('cell') }} as cells
    from leaked_values
    group by patient_key
),

shaped_values as (
    select distinct column_name || ':' || value as cell
    from undefined_elements
    where is_code and {{ regexp_full_match(without_patterns('whole'), '.*[[:cntrl:]].*') }}
),

shapes as (
    select {{ array_agg('cell') }} as cells
    from shaped_values
)
{%- endmacro %}

{#
    Whether a term is enough to tell a patient by. Among the terms of all patients, which devices are
    held against, short ones are bound to meet something.
#}
{% macro is_telling(table_name) %}
    {% if 'patient_key' in staged_keys(table_name) %}
        {{ return("kind in ('name', 'person', 'id', 'contact') or kind = 'place' and (term not like '% %' or length(term) > 8)") }}
    {% endif %}
    {{ return("kind in ('name', 'person', 'place') and length(term) > 2 or kind in ('id', 'contact') and length(term) > 5") }}
{% endmacro %}

{# Columns whose text comes out as it went in; UIDs that are kept are those of classes. #}
{% macro kept_text_columns(table_name) %}
    {{ return(mapped_columns(table_name) | selectattr('type', 'equalto', 'text') | selectattr('function', 'in', ['keep', 'keep_code']) | rejectattr('vr', 'equalto', 'UI') | list) }}
{% endmacro %}

{# Whether a value may be kept: what is longer is not looked through for terms, and becomes null. #}
{% macro is_short_enough(value) %}{{ return("length(" ~ value ~ ") <= 1024") }}{% endmacro %}

{# Whether a row's value of a kept column was found to tell who the patient is. #}
{% macro is_leaked(column) %}
    {% set cell = "'" ~ column.column_name ~ ":' || " ~ quote_name(column.column_name) %}
    {{ return("coalesce(" ~ array_contains('leaked_here', cell) ~ " or " ~ array_contains('leaked_anywhere', cell) ~ ", " ~ array_contains('leaked_here', cell) ~ ", " ~ array_contains('leaked_anywhere', cell) ~ ", false)") }}
{% endmacro %}
