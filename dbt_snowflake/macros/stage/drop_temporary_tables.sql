{#
    Drops the temporary tables of a model. dbt-duckdb 1.11 creates the temporary table of an incremental Python
    model as an ordinary table in the schema main, and does not drop it.
#}
{% macro drop_temporary_tables() %}
    {% if execute %}
        {% set found = run_query(
            "select table_name from duckdb_tables() where schema_name = 'main' and table_name like '" ~ model.name ~ "__dbt_tmp%'"
        ) %}
        {% for table in found.columns[0].values() %}{% do adapter.drop_relation(
            api.Relation.create(database=target.database, schema='main', identifier=table, type='table')
        ) %}{% endfor %}
    {% endif %}
{% endmacro %}
