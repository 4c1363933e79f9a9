{#
    A cast that returns null if it fails, because cast errors quote the value. dbt's `safe_cast` does not
    serve: on DuckDB it is a plain cast. A macro of that name here would replace dbt's own, which unit
    tests use.
#}
{% macro try_cast(value, type) %}{{ return("try_cast(" ~ value ~ " as " ~ type_name(type) ~ ")") }}{% endmacro %}
