{#
    A text that orders the files of one SOP Instance UID. The file with the greatest text is used: the latest
    creation time, then the greatest header key. Files without a creation time come first. The time is shifted by
    a secret number of microseconds that is the same for all files of the UID, so that the order is kept and the
    time is not revealed.
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
