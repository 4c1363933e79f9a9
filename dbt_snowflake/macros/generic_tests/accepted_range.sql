{# Every value is within the range; null is accepted. The test selects no value, so that none gets into a log. #}
{% test accepted_range(model, column_name, min_value, max_value) %}
    {% set column = quote_name(column_name) %}
    select 1 as out_of_range
    from {{ model }}
    where {{ column }} < {{ min_value }} or {{ column }} > {{ max_value }}
{% endtest %}
