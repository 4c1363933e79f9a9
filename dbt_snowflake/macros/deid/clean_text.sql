{# Until free text can be cleaned it is removed: better no text than somebody's name. #}
{% macro deid_clean_text(value, column) %}
    {{ return(deid_remove(value, column)) }}
{% endmacro %}
