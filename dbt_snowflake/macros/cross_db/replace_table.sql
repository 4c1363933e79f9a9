{# Statements that replace a table by the rows of a temporary one, with the columns of those. #}
{% macro replace_table(relation, temp_relation) %}
    {{ return(adapter.dispatch('replace_table')(relation, temp_relation)) }}
{% endmacro %}

{% macro default__replace_table(relation, temp_relation) %}
    drop table {{ relation }};
    {{ create_table_as(false, relation, 'select * from ' ~ temp_relation) }}
{% endmacro %}

{# Snowflake's `create or replace` is one statement. #}
{% macro snowflake__replace_table(relation, temp_relation) %}
    {{ return(create_table_as(false, relation, 'select * from ' ~ temp_relation)) }}
{% endmacro %}
