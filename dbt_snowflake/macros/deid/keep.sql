{#
    Keeps the value, with two exceptions: control characters, which a terminal or a web page would interpret,
    become spaces; and a class UID that does not have the form of a UID becomes null, because it would be a
    finding of the leak check.
#}
{% macro deid_keep(value, column) %}
    {% if column.type in ['text', 'json'] and not column.reviewed %}
        {% do mapping_error(column, 'keeps text as it is without being reviewed') %}
    {% endif %}
    {% if column.vr == 'UI' %}{{ return("case when " ~ regexp_full_match(value, '[0-9.]{1,64}') ~ " then " ~ value ~ " end") }}{% endif %}
    {% if column.type == 'text' %}{{ return(regexp_replace(value, active_characters_pattern(), "' '")) }}{% endif %}
    {{ return(cast_to(value, column)) }}
{% endmacro %}
