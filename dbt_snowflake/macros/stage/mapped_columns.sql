{#
    The lines of the mapping for a table, with the functions of the selected profile. Empty while dbt parses. The
    seed is read once per model.
#}
{% macro mapped_columns(table_name) %}
    {% set mapping = ref('anonymization_mapping') %}
    {% if not execute %}{{ return([]) }}{% endif %}
    {% set remembered = 'mapped columns of ' ~ table_name %}
    {% if remembered in context %}{{ return(context[remembered]) }}{% endif %}
    {% set profile = deid_profile() %}
    {% set lines = run_query(
        "select column_name, attribute, type, vm, " ~ profile ~ ", reviewed, vr, reason, accepted_risk from " ~ mapping
        ~ " where table_name = '" ~ table_name ~ "' order by column_name"
    ) %}
    {% set columns = [] %}
    {% for line in lines %}
        {% set column = {
            'table_name': table_name, 'column_name': line[0], 'attribute': line[1], 'type': line[2],
            'is_array': line[3] != '1', 'function': line[4], 'reviewed': line[5] and line[7], 'vr': line[6],
            'accepted_risk': line[8],
        } %}
        {% if columns and columns[-1].column_name == column.column_name %}
            {% do mapping_error(column, "appears twice") %}
        {% endif %}
        {% if not modules.re.fullmatch('[A-Za-z0-9]+(\\[[0-9]+\\][.][A-Za-z0-9]+)*', column.attribute) %}
            {% do mapping_error(column, "its attribute is neither a keyword nor a path of keywords") %}
        {% endif %}
        {% if column.type not in ['text', 'integer', 'double', 'date', 'time', 'timestamp', 'json'] %}
            {% do mapping_error(column, "unknown type " ~ column.type) %}
        {% endif %}
        {% do columns.append(column) %}
    {% endfor %}
    {% do context.update({remembered: columns}) %}
    {{ return(columns) }}
{% endmacro %}

{% macro deid_profile() %}
    {% set profile = env_var('DICOM_DEID_PROFILE', 'research') %}
    {% if profile not in ['research', 'strict'] %}
        {% do exceptions.raise_compiler_error("DICOM_DEID_PROFILE is research or strict") %}
    {% endif %}
    {{ return(profile) }}
{% endmacro %}
