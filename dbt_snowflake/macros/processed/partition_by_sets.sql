{# The partition of a window by the columns set_1, set_2, …, except one; empty if no column is left. #}
{% macro partition_by_sets(count, except=none) %}
    {% set names = [] %}
    {% for number in range(1, count + 1) if number != except %}{% do names.append("set_" ~ number) %}{% endfor %}
    {{ return("partition by " ~ names | join(", ") if names else "") }}
{% endmacro %}
