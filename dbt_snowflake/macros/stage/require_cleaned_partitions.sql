{#
    Raises an error if the raw zone has a partition whose texts were not cleaned: its rows would have no texts, and
    keep values that identify the patient. This happens if somebody builds a staged model alone.
#}
{% macro require_cleaned_partitions(table_name) %}
    {% set versions, cleaned = ref('partition_versions'), ref('cleaned_partitions') %}
    {% set raw = raw_rows(table_name) %}
    {% if execute %}
        {% set of_table = "table_name = '" ~ table_name ~ "'" %}
        {% set missing = run_query(
            "select count(*) from (select distinct raw_version from (" ~ raw ~ "))"
            ~ " where raw_version not in (select raw_version from " ~ versions ~ " where " ~ of_table ~ ")"
            ~ " union all"
            ~ " select count(*) from " ~ versions ~ " as versions where " ~ of_table ~ where_not_staged(table_name, 'versions')
            ~ " and (period_key, stage_version) not in (select period_key, stage_version from " ~ cleaned ~ " where " ~ of_table ~ ")"
        ).columns[0].values() | sum %}
        {% if missing %}
            {% do exceptions.raise_compiler_error(
                "the texts of " ~ missing ~ " partitions are not cleaned: build the models before this one too (dbt build --select +" ~ model.name ~ ")"
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}
