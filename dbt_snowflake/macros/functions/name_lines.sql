{# The quoted names of columns, three per line. #}
{% macro name_lines(columns, indent) %}
    {% set lines = [] %}
    {% for names in columns | map(attribute='column_name') | map('tojson') | batch(3) %}{% do lines.append(names | join(", ")) %}{% endfor %}
    {{ return(lines | join(",\n" ~ " " * indent)) }}
{% endmacro %}
