{#
    The columns of a staged table in order, each with its type and its SQL expression on a row of `cleaned`.
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
            'sql': 'clean_' ~ column.column_name,
        }) %}
    {% endfor %}
    {% do columns.append({'name': 'failed_casts', 'type': type_name('text', true), 'sql': failed_casts(mapped)}) %}
    {% do columns.append({'name': 'leaked_cells', 'type': type_name('text', true), 'sql': leaked_cells(mapped)}) %}
    {% if table_name == 'images' %}
        {% do columns.extend([
            {'name': 'header_key', 'type': type_name('text'), 'sql': keyed_id('header', 'header_digest')},
            {'name': 'instance_precedence', 'type': type_name('text'), 'sql': instance_precedence()},
            {'name': 'transfer_syntax_uid', 'type': type_name('text'),
             'sql': "case when " ~ regexp_full_match('transfer_syntax_uid', '[0-9.]{1,64}') ~ " then transfer_syntax_uid end"},
            {'name': 'file_size', 'type': type_name('integer'), 'sql': 'file_size'},
        ]) %}
    {% else %}
        {% do columns.extend([
            {'name': 'file_count', 'type': type_name('integer'), 'sql': 'file_count'},
            {'name': 'row_key', 'type': type_name('text'), 'sql': keyed_id('row', 'row_digest')},
        ]) %}
    {% endif %}
    {% for name in ['period_key', 'stage_version'] %}
        {% do columns.append({'name': name, 'type': type_name('text'), 'sql': name}) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}
