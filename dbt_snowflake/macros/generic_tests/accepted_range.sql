{# Nulls pass. Only the count of rows leaves the test, never a value. #}
{% test accepted_range(model, column_name, at_least, at_most) %}
    {% set column = quote_name(column_name) %}
    select 1 as out_of_range
    from {{ model }}
    where {{ column }} < {{ at_least }} or {{ column }} > {{ at_most }}
{% endtest %}
