{#
    CTEs up to `cleaned_sequences`: what becomes of each distinct sequence of each study
    (patient_key, key_study, text, clean, is_leaked). Every element keeps its place, without a value where that
    has to go, so what comes out is DICOM JSON again. Of a sequence inside that has to go nothing is
    left but that it was there.
#}
{% macro cleaned_sequences_ctes(table_name) -%}
sequence_keys as (
    select distinct
        ki,
        ko
    from shifted
),

cleaned_values as (
    select
        sequence_values.*,
        sequence_values.action = 'keep' and coalesce(leaked_values.cell, shaped_values.cell) is not null as is_leaked,
        case
            when sequence_values.action = 'clean_text' then cleaned_texts.clean
            when sequence_values.action = 'keep'
                then case when coalesce(leaked_values.cell, shaped_values.cell) is null then sequence_values.text end
            else {{ sequence_value('sequence_values.text') }}
        end as clean
    from sequence_values
    cross join sequence_keys
    left join cleaned_texts
        on sequence_values.patient_key = cleaned_texts.patient_key
        and sequence_values.key_study = cleaned_texts.key_study
        and sequence_values.text = cleaned_texts.text
    left join leaked_values
        on sequence_values.patient_key = leaked_values.patient_key
        and sequence_values.tag || ':' || sequence_values.text = leaked_values.cell
    left join shaped_values on sequence_values.tag || ':' || sequence_values.text = shaped_values.cell
),

-- The end of a sequence is nested as deeply as its start.
sequence_bounds as (
    select
        sequence_number,
        line_number,
        action,
        case kind when 'start' then 1 else -1 end as step,
        sum(case kind when 'start' then 1 else -1 end) over (
            partition by sequence_number
            order by line_number
            rows between unbounded preceding and current row
        ) + case kind when 'start' then 0 else 1 end as nesting
    from sequence_elements
    where kind in ('start', 'end')
),

bounds_of_actions as (
    select
        sequence_number,
        line_number,
        step,
        case step when 1 then action else lag(action) over (partition by sequence_number, nesting order by line_number) end as action
    from sequence_bounds
),

removed_bounds as (
    select
        sequence_number,
        line_number,
        step
    from bounds_of_actions
    where action = 'remove'
),

lines_with_removed_bounds as (
    select
        sequence_elements.sequence_number,
        sequence_elements.line_number,
        removed_bounds.step,
        sum(coalesce(removed_bounds.step, 0)) over (
            partition by sequence_elements.sequence_number
            order by sequence_elements.line_number
            rows between unbounded preceding and current row
        ) as depth
    from sequence_elements
    left join removed_bounds
        on sequence_elements.sequence_number = removed_bounds.sequence_number
        and sequence_elements.line_number = removed_bounds.line_number
    where sequence_elements.sequence_number in (select sequence_number from removed_bounds)
),

removed_lines as (
    select
        sequence_number,
        line_number,
        step,
        depth - case when step = 1 then 1 else 0 end > 0 as is_inside
    from lines_with_removed_bounds
    where depth > 0 or step is not null
),

fragments as (
    select
        sequence_number,
        line_number,
        place,
        case
            when string_count = 1 and clean is null then head || '}' || comma
            else
                case when place = 1 then head || ', "Value": [' else ', ' end
                || coalesce({{ json_quote('clean') }}, 'null')
                || case when place = string_count then ']}' || comma else '' end
        end as fragment
    from cleaned_values
    union all
    select
        sequence_number,
        line_number,
        0 as place,
        case kind when 'leaf' then head || {{ number_list('action', 'value_list') }} || '}' || comma else line end as fragment
    from sequence_elements
    where coalesce({{ array_length('strings') }}, 0) = 0
),

kept_fragments as (
    select
        fragments.sequence_number,
        fragments.line_number,
        fragments.place,
        case removed_lines.step
            when 1 then left(fragments.fragment, 23)
            when -1 then replace(fragments.fragment, ']', '')
            else fragments.fragment
        end as fragment
    from fragments
    left join removed_lines
        on fragments.sequence_number = removed_lines.sequence_number
        and fragments.line_number = removed_lines.line_number
    where not coalesce(removed_lines.is_inside, false)
),

joined_fragments as (
    select
        sequence_number,
        '[' || {{ listagg('fragment', "''", 'order by line_number, place') }} || ']' as clean
    from kept_fragments
    group by sequence_number
),

cleaned_sequences as (
    select
        sequences.patient_key,
        sequences.key_study,
        sequences.text,
        joined_fragments.clean,
        sequences.sequence_number in (select sequence_number from cleaned_values where is_leaked) as is_leaked
    from sequences
    inner join joined_fragments on sequences.sequence_number = joined_fragments.sequence_number
    where sequences.sequence_number not in (select sequence_number from sequence_elements where kind is null)
)
{%- endmacro %}

{# The values of a leaf that has numbers or tags, if it has nothing else; with the name of the member. #}
{% macro number_list(action, values) %}
    {% set number = '-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?' %}
    {% set tag = '"[0-9A-F]{8}"' %}
    {% set branches = [] %}
    {% for name, pattern in [('keep_number', number), ('keep_tag', tag)] %}
        {% set list_pattern = '[[](null|' ~ pattern ~ ')(, (null|' ~ pattern ~ '))*[]]' %}
        {% do branches.append("when " ~ action ~ " = '" ~ name ~ "' and " ~ regexp_full_match(values, list_pattern) ~ " then ', \"Value\": ' || " ~ values) %}
    {% endfor %}
    {{ return("case " ~ branches | join(" ") ~ " else '' end") }}
{% endmacro %}
