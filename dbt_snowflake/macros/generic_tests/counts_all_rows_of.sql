{# The column's sum is the number of rows of another table: nothing lost, nothing counted twice. #}
{% test counts_all_rows_of(model, column_name, other) %}
    select counted.total
    from (select coalesce(sum({{ column_name }}), 0) as total from {{ model }}) as counted
    cross join (select count(*) as total from {{ other }}) as existing
    where counted.total <> existing.total
{% endtest %}
