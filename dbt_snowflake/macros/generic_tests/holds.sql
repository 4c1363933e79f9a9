{# Every row fulfils a condition. #}
{% test holds(model, condition, column_name=none) %}
    select 1 as broken
    from {{ model }}
    where not coalesce({{ condition }}, false)
{% endtest %}
