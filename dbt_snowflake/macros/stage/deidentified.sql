{#
    A line of a select list: a raw column after the cast and the de-identification function of the mapping, for
    each element of an array.
#}
{% macro deidentified(column) %}
    {% set function = context.get('deid_' ~ column.function) %}
    {% if function is none %}
        {% do mapping_error(column, "unknown function " ~ column.function) %}
    {% endif %}
    {% set value = quote_name(column.column_name) %}
    {% if is_computed_age(column) %}
        {% set value = "deid.recorded_or_computed_age(" ~ value ~ ", computed_age)" %}
    {% endif %}
    {% if is_kept_text(column) %}
        {% set value = call_function('deid.unless_leaked', ['leaked', "'" ~ column.column_name ~ "'", value], 12) %}
    {% endif %}
    {% if column.function in ['shift_date', 'shift_datetime'] %}
        {% set value = call_function('deid.plausible', ['implausible_dates', "'" ~ column.column_name ~ "'", value], 12) %}
    {% endif %}
    {% if not column.is_array and value | length > 75 %}
        {% set value = "\n            " ~ value ~ "\n        " %}
    {% endif %}
    {% if nulls_all(column) or not column.is_array %}
        {{ return(in_line(function(value, column), column)) }}
    {% endif %}
    {% set element, elements = function('x', column), "for x in dicom.split_values(" ~ value ~ ")" %}
    {% set line = "[" ~ element ~ " " ~ elements ~ "] as clean_" ~ column.column_name %}
    {% if line | length <= 110 %}{{ return(line) }}{% endif %}
    {{ return("[\n            " ~ element ~ "\n            " ~ elements ~ "\n        ] as clean_" ~ column.column_name) }}
{% endmacro %}

{% macro in_line(expression, column) %}
    {% set separator = " " if "\n" in expression or (expression ~ column.column_name) | length <= 96 else "\n            " %}
    {{ return(expression ~ separator ~ "as clean_" ~ column.column_name) }}
{% endmacro %}

{# Whether the function returns null for every raw value, so that a null is not a failed cast. #}
{% macro nulls_all(column) %}{{ return(column.function == 'remove') }}{% endmacro %}

{# Whether the column has the age of the patient, which is computed from dates where the files have none. #}
{% macro is_computed_age(column) %}
    {{ return(column.table_name == 'patients' and column.attribute == 'PatientAge' and not nulls_all(column)) }}
{% endmacro %}

{# Whether a text is kept unless it identifies its patient. UIDs are excluded: only UIDs of classes are kept. #}
{% macro is_kept_text(column) %}
    {{ return(column.function in ['keep', 'keep_code'] and column.type == 'text' and column.vr != 'UI') }}
{% endmacro %}
