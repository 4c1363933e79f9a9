{# Columns of a table whose texts are cleaned under the selected profile. #}
{% macro cleaned_columns(table_name) %}
    {{ return(mapped_columns(table_name) | selectattr('function', 'equalto', 'clean_text') | list) }}
{% endmacro %}

{# Columns of a table whose sequences are cleaned under the selected profile. #}
{% macro sequence_columns(table_name) %}
    {{ return(mapped_columns(table_name) | selectattr('function', 'equalto', 'clean_sequence') | list) }}
{% endmacro %}

{# Text columns that are kept unless a value identifies its patient. #}
{% macro kept_text_columns(table_name) %}
    {% set kept = [] %}
    {% for column in mapped_columns(table_name) if is_kept_text(column) %}{% do kept.append(column) %}{% endfor %}
    {{ return(kept) }}
{% endmacro %}

{# Columns of codes, which are kept in capitals. #}
{% macro code_columns(table_name) %}
    {{ return(kept_text_columns(table_name) | selectattr('function', 'equalto', 'keep_code') | list) }}
{% endmacro %}

{# Columns with UIDs of classes, of which the registered ones are kept. #}
{% macro class_uid_columns(table_name) %}
    {% set found = [] %}
    {% for column in mapped_columns(table_name) if column.function == 'keep' and column.vr == 'UI' %}
        {% if column.is_array %}{% do mapping_error(column, "keep does not apply to several UIDs") %}{% endif %}
        {% do found.append(column) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# Columns with the age of the patient, which is computed from dates where the files have none. #}
{% macro age_columns(table_name) %}
    {% set found = [] %}
    {% for column in mapped_columns(table_name) if is_computed_age(column) %}{% do found.append(column) %}{% endfor %}
    {{ return(found) }}
{% endmacro %}

{% macro staged_table_names() %}{{ return(['devices', 'images', 'patients', 'series', 'studies']) }}{% endmacro %}
