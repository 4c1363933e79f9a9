{# Up to 15 hexadecimal digits as an integer: 60 bits, which fit into an integer of both engines. #}
{% macro hex_to_integer(digits) %}{{ return(adapter.dispatch('hex_to_integer')(digits)) }}{% endmacro %}

{% macro default__hex_to_integer(digits) %}{{ return("cast('0x' || " ~ digits ~ " as bigint)") }}{% endmacro %}

{% macro snowflake__hex_to_integer(digits) %}{{ return("to_number(" ~ digits ~ ", 'XXXXXXXXXXXXXXX')") }}{% endmacro %}
