{#
    The columns of a staged table in order, each with its type, and its SQL expression on a row of `lost` unless it
    is a column of the mapping.
#}
{% macro staged_columns(table_name) %}
    {% set columns = [] %}
    {% for key in staged_keys(table_name) %}
        {% do columns.append({'name': key, 'type': type_name('text'), 'sql': key}) %}
    {% endfor %}
    {% set mapped = mapped_columns(table_name) %}
    {% for column in mapped %}
        {% do columns.append({
            'name': column.column_name,
            'type': type_name(column.type, column.is_array),
            'is_mapped': true,
        }) %}
    {% endfor %}
    {% do columns.append({'name': 'failed_casts', 'type': type_name('text', true), 'sql': 'deid.failed_columns(lost_cells, leaked)'}) %}
    {% do columns.append({'name': 'leaked_cells', 'type': type_name('text', true), 'sql': leaked_cells(table_name)}) %}
    {% if table_name == 'images' %}
        {% do columns.extend([
            {'name': 'header_key', 'type': type_name('text'), 'sql': keyed_id('header', 'header_digest')},
            {'name': 'instance_precedence', 'type': type_name('text'), 'sql': instance_precedence()},
            {'name': 'study_version_key', 'type': type_name('text'), 'sql': 'study_version_key'},
            {'name': 'version_created', 'type': type_name('text'), 'sql': 'version_created'},
            {'name': 'version_file_time', 'type': type_name('text'), 'sql': 'version_file_time'},
            {'name': 'patients_row_key', 'type': type_name('text'), 'sql': 'patients_row_key'},
            {'name': 'studies_row_key', 'type': type_name('text'), 'sql': 'studies_row_key'},
            {'name': 'series_row_key', 'type': type_name('text'), 'sql': 'series_row_key'},
            {'name': 'devices_row_key', 'type': type_name('text'), 'sql': 'devices_row_key'},
            {'name': 'transfer_syntax_uid', 'type': type_name('text'), 'sql': 'registered_transfer_syntax'},
            {'name': 'recovered_elements', 'type': type_name('integer'), 'sql': 'recovered_elements'},
            {'name': 'file_size', 'type': type_name('integer'), 'sql': 'file_size'},
        ]) %}
    {% else %}
        {% do columns.extend([
            {'name': 'file_count', 'type': type_name('integer'), 'sql': 'file_count'},
            {'name': 'row_key', 'type': type_name('text'), 'sql': keyed_id('row', 'row_digest')},
        ]) %}
    {% endif %}
    {% for name in ['period_key', 'base_version', 'stage_version'] %}
        {% do columns.append({'name': name, 'type': type_name('text'), 'sql': name}) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}

{# The columns whose value was removed from this row because it identifies the patient; in a sequence, only a code is. #}
{% macro leaked_cells(table_name) %}
    {% set kept = "deid.leaked_columns(lost_cells, leaked)" %}
    {{ return("list_concat(" ~ kept ~ ", leaked_sequences)" if sequence_columns(table_name) else kept) }}
{% endmacro %}

{# The text that orders the files of one SOP Instance UID. #}
{% macro instance_precedence() %}
    {{ return("deid.instance_precedence(ki, ko, key_sop, key_created, file_mtime_ns, header_digest)") }}
{% endmacro %}
