{#
    Placeholder dates (epochs of operating systems and databases, clocks after a battery change) become null:
    everybody knows them, so a shifted one would reveal the shift of the patient.
#}
{% macro deid_shift_date(value, column) %}
    {% do require_type(column, ['date']) %}
    {% do require_patient(column) %}
    {% set shifted = "cast(" ~ dateadd('day', '-(shift_days)', parse_date(value)) | trim ~ " as " ~ type_name('date') ~ ")" %}
    {{ return("case when not " ~ is_placeholder_date(value) ~ " then " ~ shifted ~ " end") }}
{% endmacro %}

{% macro is_placeholder_date(value) %}
    {{ return("left(replace(" ~ value ~ ", '.', ''), 8) in ('18581117', '19000101', '19040101', '19700101', '19800101')") }}
{% endmacro %}
