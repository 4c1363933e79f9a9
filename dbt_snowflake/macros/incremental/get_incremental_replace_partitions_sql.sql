{#
    Incremental strategy of stage: what is no longer as raw has it goes (partitions that changed,
    are gone or became empty), then the rows that were just built come in.
#}
{% macro get_incremental_replace_partitions_sql(args) %}
    {% set columns = get_quoted_csv(args.dest_columns | map(attribute='name')) %}
    {% set statements %}
    delete from {{ args.target_relation }}
    where (period_key, stage_version) not in (
        select period_key, stage_version from ({{ current_partitions(model.name | replace('staged_', '')) }}) as now
    );

    insert into {{ args.target_relation }} ({{ columns }})
    select {{ columns }} from {{ args.temp_relation }};
    {% endset %}
    {{ in_transaction(statements) }}
{% endmacro %}
