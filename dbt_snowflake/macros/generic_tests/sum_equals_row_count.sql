{# The sum of the column equals the number of rows of another table: no row is missing, none is counted twice. #}
{% test sum_equals_row_count(model, column_name, compare_model) %}
    select counted.total
    from (select coalesce(sum({{ column_name }}), 0) as total from {{ model }}) as counted
    cross join (select count(*) as total from {{ compare_model }}) as existing
    where counted.total <> existing.total
{% endtest %}
