{#
    A UID under 2.25 from 120 bits of the hash, in two halves of 60 so that nothing overflows.
    2^60 in front keeps the first digit from being a zero, which a UID may not have.
#}
{% macro deid_uid(value, column) %}
    {% do require_type(column, ['text']) %}
    {% set hash = keyed_hash('uid', value) %}
    {% set high = "cast(1152921504606846976 + " ~ hex_to_integer("left(" ~ hash ~ ", 15)") ~ " as varchar)" %}
    {% set low = "lpad(cast(" ~ hex_to_integer("substr(" ~ hash ~ ", 16, 15)") ~ " as varchar), 19, '0')" %}
    {{ return("'2.25.' || " ~ high ~ " || " ~ low) }}
{% endmacro %}
