{#
    Whether a model builds only the rows that changed. If the table has other columns than the mapping,
    all rows are built, and the incremental strategy replaces the table (`replace_table`): changing the
    types of the table would cast its values, and cast errors quote the value.
#}
{% macro is_partial_build() %}
    {{ return(is_incremental() and not columns_changed()) }}
{% endmacro %}
