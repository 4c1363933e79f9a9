{#
    Kept as it is, but for what is no text: characters that a terminal or a page would obey, and a
    class that is no UID, which the leak check would stop at.
#}
{% macro deid_keep(value, column) %}
    {% if column.type in ['text', 'json'] and not column.reviewed %}
        {% do mapping_error(column, 'keeps text as it is without being reviewed') %}
    {% endif %}
    {% if column.vr == 'UI' %}{{ return("case when " ~ regexp_full_match(value, '[0-9.]{1,64}') ~ " then " ~ value ~ " end") }}{% endif %}
    {% if column.type == 'text' %}{{ return(regexp_replace(value, active_characters_pattern(), "' '")) }}{% endif %}
    {{ return(cast_to(value, column)) }}
{% endmacro %}
