{#
    Statements that take effect together. DuckDB's adapter runs each model in a transaction. Snowflake's
    adapter commits each statement, so they get a transaction; after an error the session ends, which
    rolls it back.
#}
{% macro in_transaction(statements) %}{{ return(adapter.dispatch('in_transaction')(statements)) }}{% endmacro %}

{% macro default__in_transaction(statements) %}{{ return(statements) }}{% endmacro %}

{% macro snowflake__in_transaction(statements) %}{{ return(snowflake_dml_explicit_transaction(statements.strip().rstrip(';'))) }}{% endmacro %}
