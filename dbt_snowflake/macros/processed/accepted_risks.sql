{# The columns that are kept with an accepted risk, as a list of SQL texts `table.column`. #}
{% macro accepted_risks() %}
    {% do ref_of_rules() %}
    {% set names = ["''"] %}
    {% for table in ['patients', 'devices', 'studies', 'series', 'images'] %}
        {% for column in mapped_columns(table) if needs_accepted_risk(column) %}
            {% do names.append(dbt.string_literal(table ~ "." ~ column.column_name)) %}
        {% endfor %}
    {% endfor %}
    {{ return(names | join(", ")) }}
{% endmacro %}
