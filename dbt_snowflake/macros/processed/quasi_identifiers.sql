{#
    The lines of the seed quasi_identifiers. Empty while dbt parses. A line that cannot be used is an error that
    names it.
#}
{% macro quasi_identifiers() %}
    {% set seed = ref('quasi_identifiers') %}
    {% do mapped_columns('patients') %}{# dbt records the seeds that it reads while it parses #}
    {% if not execute %}{{ return([]) }}{% endif %}
    {% set lines = run_query("select table_name, column_name, bin_width from " ~ seed ~ " order by table_name, column_name") %}
    {% set found = [] %}
    {% for line in lines %}
        {% set names = {'table_name': line[0], 'column_name': line[1]} %}
        {% if names.table_name not in ['patients', 'studies', 'series', 'images', 'devices'] %}
            {% do quasi_identifier_error(names, "the table is patients, studies, series, images or devices") %}
        {% endif %}
        {% set column = published_columns(names.table_name).get(names.column_name) %}
        {% if not column %}
            {% do quasi_identifier_error(names, "processed_" ~ names.table_name ~ " has no such column") %}
        {% elif column.is_pseudonym %}
            {% do quasi_identifier_error(names, "a key, pseudonym or UID is different for each patient, and nobody knows it") %}
        {% elif column.type == 'json' %}
            {% do quasi_identifier_error(names, "a sequence cannot be compared") %}
        {% endif %}
        {% if line[2] is not none and (column.is_array or not (column.is_age or column.type in ['integer', 'double'])) %}
            {% do quasi_identifier_error(names, "bin_width applies to numbers and ages only") %}
        {% elif line[2] is not none and line[2] <= 0 %}
            {% do quasi_identifier_error(names, "bin_width must be greater than 0") %}
        {% endif %}
        {% do found.append(dict(column, bin_width=line[2], **names)) %}
    {% endfor %}
    {% if not found %}
        {% do exceptions.raise_compiler_error("quasi_identifiers has no lines: name at least one column") %}
    {% endif %}
    {{ return(found) }}
{% endmacro %}

{% macro quasi_identifier_error(names, problem) %}
    {% do exceptions.raise_compiler_error("quasi_identifiers, " ~ names.table_name ~ "." ~ names.column_name ~ ": " ~ problem) %}
{% endmacro %}
