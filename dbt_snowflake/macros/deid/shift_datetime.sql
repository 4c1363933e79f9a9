{# Without a day the value would become a first of the month, from which the shift can be guessed. #}
{% macro deid_shift_datetime(value, column) %}
    {% do require_type(column, ['timestamp']) %}
    {% do require_patient(column) %}
    {% set shifted = "cast(" ~ dateadd('day', '-(shift_days)', parse_timestamp(value)) | trim ~ " as " ~ type_name('timestamp') ~ ")" %}
    {{ return("case when " ~ regexp_full_match(value, '[0-9]{8}.*') ~ " and not " ~ is_placeholder_date(value) ~ " then " ~ shifted ~ " end") }}
{% endmacro %}
