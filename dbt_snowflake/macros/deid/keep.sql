{% macro deid_keep(value, column) %}
    {% if column.type in ['text', 'json'] and not column.reviewed %}
        {% do mapping_error(column, 'keeps text as it is without being reviewed') %}
    {% endif %}
    {% if column.vr == 'UI' %}{{ return("deid.keep_uid(" ~ value ~ ")") }}{% endif %}
    {% if column.type == 'text' %}{{ return("deid.keep_text(" ~ value ~ ")") }}{% endif %}
    {{ return(cast_to(value, column.type)) }}
{% endmacro %}
