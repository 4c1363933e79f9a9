{# A value without a day becomes null: as the first day of a month, it would reveal the shift. #}
{% macro deid_shift_datetime(value, column) %}
    {% do require_type(column, ['timestamp']) %}
    {% do require_patient(column) %}
    {% set shifted = "cast(" ~ dateadd('day', '-(shift_days)', parse_timestamp(value)) | trim ~ " as " ~ type_name('timestamp') ~ ")" %}
    {{ return("case when " ~ regexp_full_match(value, '[0-9]{8}.*') ~ " and not " ~ is_placeholder_date(value) ~ " then " ~ shifted ~ " end") }}
{% endmacro %}
