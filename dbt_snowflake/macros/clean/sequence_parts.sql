{#
    CTEs up to `sequence_values`: the sequences of a table taken apart, each distinct one of a
    study once. Extraction puts each element on a line of its own (extract/headers/sequences.py), so that
    lines are enough, on any engine and however deep sequences are nested. A line is a bracket of an
    item, the start or the end of a sequence inside, or a leaf; a sequence with any other line is
    not taken.
#}
{% macro sequence_parts_ctes(table_name) -%}
sequence_rules as (
    select
        tag,
        keyword,
        action
    from (
        values ('-', '-', '-')
        {%- for rule in sequence_rules() %}, ('{{ rule.tag }}', '{{ rule.keyword }}', '{{ rule.action }}'){% endfor %}
    ) as rules (tag, keyword, action)
),

sequences as (
    select
        patient_key,
        key_study,
        shift_days,
        text,
        row_number() over (order by patient_key, key_study, text) as sequence_number
    from (
        {%- for column in sequence_columns(table_name) %}
        select patient_key, key_study, shift_days, {{ quote_name(column.column_name) }} as text from shifted
        {{- "\n        union" if not loop.last }}
        {%- endfor %}
    ) as all_sequences
    where
        left(text, 2) = '[' || chr(10)
        and right(text, 2) = chr(10) || ']'
        and length(text) > 4
        and {{ try_cast('text', 'json') }} is not null
),

sequence_lines as (
    {{ unnest_array('sequences', ['sequence_number', 'patient_key', 'key_study', 'shift_days'], string_split("substr(text, 3, length(text) - 4)", "chr(10)")) }}
),

line_parts as (
    select
        sequence_number,
        patient_key,
        key_study,
        shift_days,
        place as line_number,
        element as line,
        case
            when element in ('{', '}', '},') then 'item'
            when element in (']}', ']},') then 'end'
            when {{ regexp_full_match('element', '"[0-9A-F]{8}": [{]"vr": "SQ", "Value": [[]') }} then 'start'
            when {{ regexp_full_match('element', '"[0-9A-F]{8}": [{]"vr": "[A-Z]{2}"(, "Value": [[].*[]])?[}],?') }} then 'leaf'
        end as kind,
        left(element, 23) as head,
        substr(element, 2, 8) as tag,
        case when right(element, 1) = ',' then ',' else '' end as comma
    from sequence_lines
),

judged_lines as (
    select
        line_parts.*,
        sequence_rules.keyword,
        coalesce(sequence_rules.action, {{ sequence_action_of_vr('substr(line_parts.head, 21, 2)') }}) as action,
        case
            when line_parts.kind = 'leaf' and length(line_parts.line) - length(line_parts.comma) > 24
                then substr(line_parts.line, 35, length(line_parts.line) - length(line_parts.comma) - 35)
        end as value_list
    from line_parts
    left join sequence_rules on line_parts.tag = sequence_rules.tag
),

sequence_elements as (
    select
        *,
        case when action not in ('remove', 'keep_number', 'keep_tag') then {{ json_string_array('value_list') }} end as strings
    from judged_lines
),

-- The scheme stands in the line after the code.
standard_codes as (
    select
        sequence_number,
        line_number - 1 as line_number
    from sequence_elements
    where action = 'coding_scheme' and value_list in ('["{{ coding_schemes() | join("\"]', '[\"") }}"]')
),

sequence_strings as (
    select
        sequence_elements.*,
        {{ array_length('sequence_elements.strings') }} as string_count,
        standard_codes.line_number is not null as has_scheme
    from sequence_elements
    left join standard_codes
        on sequence_elements.sequence_number = standard_codes.sequence_number
        and sequence_elements.line_number = standard_codes.line_number
    where {{ array_length('sequence_elements.strings') }} > 0
),

single_strings as (
    {{ unnest_array(
        'sequence_strings',
        [
            'sequence_number', 'patient_key', 'key_study', 'shift_days', 'line_number', 'head', 'tag', 'comma', 'keyword', 'action', 'string_count',
            'has_scheme',
        ],
        'strings'
    ) }}
),

sequence_values as (
    select
        sequence_number,
        patient_key,
        key_study,
        shift_days,
        line_number,
        place,
        string_count,
        head,
        comma,
        tag,
        keyword,
        element as text,
        action in ('coding_scheme', 'code_value') as is_standard,
        case
            when action = 'keep_code' and {{ regexp_full_match('element', '[A-Z0-9_ ]{1,16}') }} then 'keep'
            when action = 'coding_scheme' and element in ('{{ coding_schemes() | join("', '") }}') then 'keep'
            when action = 'code_value' and has_scheme and {{ is_code_value('element') }} then 'keep'
            when action in ('coding_scheme', 'code_value') then 'clean_text'
            else action
        end as action
    from single_strings
)
{%- endmacro %}

{# The columns of a table that are cleaned inside under the chosen profile. #}
{% macro sequence_columns(table_name) %}
    {% do ref('sequence_attributes') %}
    {{ return(mapped_columns(table_name) | selectattr('function', 'equalto', 'clean_sequence') | list) }}
{% endmacro %}
