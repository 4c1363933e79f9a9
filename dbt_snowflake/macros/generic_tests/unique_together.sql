{% test unique_together(model, column_name, with_column) %}
    select {{ column_name }}, {{ with_column }}
    from {{ model }}
    group by {{ column_name }}, {{ with_column }}
    having count(*) > 1
{% endtest %}
