{# Columns of a table whose texts are cleaned under the selected profile. #}
{% macro cleaned_columns(table_name) %}
    {{ return(mapped_columns(table_name) | selectattr('function', 'equalto', 'clean_text') | list) }}
{% endmacro %}

{# Columns of a table whose sequences are cleaned under the selected profile. #}
{% macro sequence_columns(table_name) %}
    {{ return(mapped_columns(table_name) | selectattr('function', 'equalto', 'clean_sequence') | list) }}
{% endmacro %}

{# Text columns that are kept unchanged. UIDs are excluded: only UIDs of classes are kept. #}
{% macro kept_text_columns(table_name) %}
    {{ return(mapped_columns(table_name) | selectattr('type', 'equalto', 'text') | selectattr('function', 'in', ['keep', 'keep_code']) | rejectattr('vr', 'equalto', 'UI') | list) }}
{% endmacro %}

{% macro staged_table_names() %}{{ return(['devices', 'images', 'patients', 'series', 'studies']) }}{% endmacro %}
