{#
    Keeps the value, with two exceptions: control characters, which a terminal or a web page would interpret,
    become spaces; and of UIDs only those in the seed `registered_uids` are kept, with which the staged model joins.
#}
{% macro deid_keep(value, column) %}
    {% if column.type in ['text', 'json'] and not column.reviewed %}
        {% do mapping_error(column, 'keeps text as it is without being reviewed') %}
    {% endif %}
    {% if column.vr == 'UI' %}{{ return(value) }}{% endif %}
    {% if column.type == 'text' %}{{ return("deid.keep_text(" ~ value ~ ")") }}{% endif %}
    {{ return(cast_to(value, column.type)) }}
{% endmacro %}
