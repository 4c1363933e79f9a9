{#
    The columns of a processed table by name: those of the mapping, and those that its model derives and describes.
    Measurements that change between visits are columns of studies.
#}
{% macro published_columns(table_name) %}
    {% set by_visit = ['patient_age', 'patient_size', 'patient_weight'] %}
    {% set columns = {} %}
    {% set described = graph.nodes['model.' ~ project_name ~ '.processed_' ~ table_name].columns %}
    {% for name, description in described.items() %}
        {% set type = description.data_type or 'text' %}
        {% do columns.update({name: {
            'type': type | replace('[]', ''), 'is_array': type.endswith('[]'), 'is_removed': false,
            'is_pseudonym': name.endswith('_key'), 'is_age': modules.re.fullmatch('(first_|last_)?patient_age', name),
        }}) %}
    {% endfor %}
    {% for column in mapped_columns(table_name) if table_name != 'patients' or column.column_name not in by_visit %}
        {% do columns.update({column.column_name: {
            'type': column.type, 'is_array': column.is_array, 'is_removed': nulls_all(column),
            'is_pseudonym': column.function in ['pseudonym', 'uid'], 'is_age': column.vr == 'AS',
        }}) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}
