{# Whether a row's value of a kept column identifies its patient, or has the form of an identifier. #}
{% macro is_leaked(column) %}
    {% set cell = "'" ~ column.column_name ~ ":' || " ~ quote_name(column.column_name) %}
    {% set own, anybody = array_contains('leaked_here', cell), array_contains('leaked_anywhere', cell) %}
    {{ return("(coalesce(" ~ own ~ ", false) or coalesce(" ~ anybody ~ ", false))") }}
{% endmacro %}

{# Whether a value is short enough to be kept. Longer values are not searched for terms and become null. #}
{% macro is_short_enough(value) %}{{ return("length(" ~ value ~ ") <= 1024") }}{% endmacro %}
