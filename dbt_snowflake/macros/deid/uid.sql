{#
    A UID under 2.25 from 120 bits of the hash, in two parts of 60 bits, because 120 bits do not fit an integer.
    2^60 is added to the first part, because a component of a UID may not start with a zero.
#}
{% macro deid_uid(value, column) %}
    {% do require_type(column, ['text']) %}
    {% set hash = keyed_hash('uid', value) %}
    {% set high = "cast(1152921504606846976 + " ~ hex_to_integer("left(" ~ hash ~ ", 15)") ~ " as varchar)" %}
    {% set low = "lpad(cast(" ~ hex_to_integer("substr(" ~ hash ~ ", 16, 15)") ~ " as varchar), 19, '0')" %}
    {{ return("'2.25.' || " ~ high ~ " || " ~ low) }}
{% endmacro %}
