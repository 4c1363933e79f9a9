{# The columns of a table whose text is cleaned under the chosen profile. #}
{% macro cleaned_columns(table_name) %}
    {{ return(mapped_columns(table_name) | selectattr('function', 'equalto', 'clean_text') | list) }}
{% endmacro %}

{# The columns of a table whose items are cleaned under the chosen profile. #}
{% macro sequence_columns(table_name) %}
    {{ return(mapped_columns(table_name) | selectattr('function', 'equalto', 'clean_sequence') | list) }}
{% endmacro %}

{# Columns whose text is published as it is; UIDs that are kept are those of classes. #}
{% macro kept_text_columns(table_name) %}
    {{ return(mapped_columns(table_name) | selectattr('type', 'equalto', 'text') | selectattr('function', 'in', ['keep', 'keep_code']) | rejectattr('vr', 'equalto', 'UI') | list) }}
{% endmacro %}

{% macro staged_table_names() %}{{ return(['devices', 'images', 'patients', 'series', 'studies']) }}{% endmacro %}
