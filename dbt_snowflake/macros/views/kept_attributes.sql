{# The attributes of a published table, without those that the profile removes. #}
{% macro kept_attributes(table_name) %}
    {% set by_visit = ['patient_age', 'patient_size', 'patient_weight'] %}
    {% set names = [] %}
    {% for column in mapped_columns(table_name) if not nulls_all(column) %}
        {% do names.append(column.column_name) if table_name != 'patients' or column.column_name not in by_visit %}
    {% endfor %}
    {# measurements that change between visits are in studies #}
    {% for column in mapped_columns('patients') if table_name == 'studies' and not nulls_all(column) %}
        {% do names.append(column.column_name) if column.column_name in by_visit %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}
