{# Every row fulfils the expression; null counts as false. #}
{% test expression_is_true(model, expression, column_name=none) %}
    select 1 as broken
    from {{ model }}
    where not coalesce({{ expression }}, false)
{% endtest %}
