{# A value inside of a sequence, de-identified as text; null where nothing of it may stay. #}
{% macro sequence_value(value) %}
    {% set text = {'type': 'text'} %}
    {% set day = "cast(" ~ dateadd('day', '-(shift_days)', parse_date(value)) | trim ~ " as " ~ type_name('date') ~ ")" %}
    {% set first_day = "cast(" ~ dateadd('day', '-(shift_days)', parse_date("left(" ~ value ~ ", 8)")) | trim ~ " as " ~ type_name('date') ~ ")" %}
    {% set clock = "substr(split_part(split_part(" ~ value ~ ", '+', 1), '-', 1), 9)" %}
    {{ return(
        "case action"
        ~ " when 'uid' then case"
        ~ " when " ~ regexp_full_match(value, standard_uid_pattern()) ~ " then " ~ value
        ~ " when " ~ regexp_full_match(value, '[0-9.]{1,64}') ~ " then " ~ deid_uid(value, text) ~ " end"
        ~ " when 'shift_date' then case when not " ~ is_placeholder_date(value) ~ " then " ~ dicom_date(day) ~ " end"
        ~ " when 'shift_datetime' then case when " ~ regexp_full_match(value, '[0-9]{8}.*') ~ " and not " ~ is_placeholder_date(value)
        ~ " and " ~ parse_timestamp(value) ~ " is not null then " ~ dicom_date(first_day) ~ " || " ~ clock ~ " end"
        ~ " when 'keep_time' then case when " ~ parse_time(value) ~ " is not null then " ~ value ~ " end"
        ~ " when 'age_cap' then " ~ deid_age_cap(value, text)
        ~ " end"
    ) }}
{% endmacro %}

{# UIDs of the standard itself, of a class or a syntax: they have no long number. #}
{% macro standard_uid_pattern() %}{{ return('1[.]2[.]840[.]10008([.](0|[1-9][0-9]{0,3})){1,10}') }}{% endmacro %}
