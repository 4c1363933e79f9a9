{# A value inside of a sequence, de-identified as text; null where nothing of it may stay. #}
{% macro sequence_value(value) %}
    {% set text = {'type': 'text'} %}
    {% set day = minus_days(parse_date(value), 'shift_days', 'date') %}
    {% set first_day = minus_days(parse_date("left(" ~ value ~ ", 8)"), 'shift_days', 'date') %}
    {% set clock = "substr(split_part(split_part(" ~ value ~ ", '+', 1), '-', 1), 9)" %}
    {{ return(
        "case action"
        ~ " when 'uid' then case"
        ~ " when " ~ matches(value, standard_uid_pattern()) ~ " then " ~ value
        ~ " when " ~ matches(value, '[0-9.]{1,64}') ~ " then " ~ deid_uid(value, text) ~ " end"
        ~ " when 'shift_date' then case when not " ~ is_placeholder_date(value) ~ " then " ~ date_digits(day) ~ " end"
        ~ " when 'shift_datetime' then case when " ~ matches(value, '[0-9]{8}.*') ~ " and not " ~ is_placeholder_date(value)
        ~ " and " ~ parse_timestamp(value) ~ " is not null then " ~ date_digits(first_day) ~ " || " ~ clock ~ " end"
        ~ " when 'keep_time' then case when " ~ parse_time(value) ~ " is not null then " ~ value ~ " end"
        ~ " when 'age_cap' then " ~ deid_age_cap(value, text)
        ~ " end"
    ) }}
{% endmacro %}

{# UIDs of the standard itself, of a class or a syntax: they have no long number. #}
{% macro standard_uid_pattern() %}{{ return('1[.]2[.]840[.]10008([.](0|[1-9][0-9]{0,3})){1,10}') }}{% endmacro %}
