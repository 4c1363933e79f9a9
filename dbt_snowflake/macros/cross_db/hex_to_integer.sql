{# Up to 15 hex digits as an integer: 60 bits, which every engine holds. #}
{% macro hex_to_integer(digits) %}{{ return(adapter.dispatch('hex_to_integer')(digits)) }}{% endmacro %}

{% macro default__hex_to_integer(digits) %}{{ return("cast('0x' || " ~ digits ~ " as bigint)") }}{% endmacro %}

{% macro snowflake__hex_to_integer(digits) %}{{ return("to_number(" ~ digits ~ ", 'XXXXXXXXXXXXXXX')") }}{% endmacro %}
