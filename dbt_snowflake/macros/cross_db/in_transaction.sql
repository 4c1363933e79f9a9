{#
    Statements that take effect together. DuckDB's adapter has a transaction open around each model;
    Snowflake's commits each statement, and after an error the session's end rolls back.
#}
{% macro in_transaction(statements) %}{{ return(adapter.dispatch('in_transaction')(statements)) }}{% endmacro %}

{% macro default__in_transaction(statements) %}{{ return(statements) }}{% endmacro %}

{% macro snowflake__in_transaction(statements) %}{{ return(snowflake_dml_explicit_transaction(statements.strip().rstrip(';'))) }}{% endmacro %}
