{# Up to 15 hexadecimal digits as an integer: 60 bits, which fit into an integer. #}
{% macro hex_to_integer(digits) %}{{ return("cast('0x' || " ~ digits ~ " as bigint)") }}{% endmacro %}
