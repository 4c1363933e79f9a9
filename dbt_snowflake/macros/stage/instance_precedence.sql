{#
    Orders the files of one SOP Instance UID: created last wins, then the greater header key; without
    a time of creation a file comes first. The moment is moved by a number of microseconds that is
    secret and the same for all of them, so the order stays and the moment does not.
#}
{% macro instance_precedence() %}
    {% set digits = "replace(key_created, '.', '')" %}
    {% set seconds = epoch_microseconds(parse_timestamp("left(" ~ digits ~ ", 14)")) %}
    {% set fraction = try_cast("rpad(substr(" ~ digits ~ ", 15), 6, '0')", 'integer') %}
    {% set offset = hex_to_integer("left(" ~ keyed_hash('instance_precedence', 'key_sop') ~ ", 15)") ~ " % 315360000000000" %}
    {{ return(
        "coalesce(lpad(cast(10000000000000000 + " ~ seconds ~ " + " ~ fraction ~ " - " ~ offset ~ " as varchar), 18, '0'), '0')"
        ~ " || '-' || " ~ keyed_id('header', 'header_digest')
    ) }}
{% endmacro %}
