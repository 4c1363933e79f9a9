{#
    Incremental strategy of stage: delete the rows of partitions that changed, are gone or became empty
    in the raw zone, then insert the rows that were just built.
#}
{% macro get_incremental_replace_partitions_sql(args) %}
    {% if columns_changed() %}{{ return(replace_table(args.target_relation, args.temp_relation)) }}{% endif %}
    {% set columns = get_quoted_csv(args.dest_columns | map(attribute='name')) %}
    {% set statements %}
    delete from {{ args.target_relation }}
    where (period_key, stage_version) not in (
        select period_key, stage_version from {{ ref('partition_versions') }}
        where table_name = '{{ model.name | replace('staged_', '') }}'
    );

    insert into {{ args.target_relation }} ({{ columns }})
    select {{ columns }} from {{ args.temp_relation }};
    {% endset %}
    {{ in_transaction(statements) }}
{% endmacro %}
