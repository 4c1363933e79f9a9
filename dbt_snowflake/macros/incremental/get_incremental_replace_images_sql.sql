{#
    Incremental strategy of processed_images: delete the images that were built again and those that are
    gone, then insert the rows that were just built. An image is in stage as long as the version of the
    partition that it was taken from is there, so the versions decide, without comparing each image.
#}
{% macro get_incremental_replace_images_sql(args) %}
    {% if columns_changed() %}{{ return(replace_table(args.target_relation, args.temp_relation)) }}{% endif %}
    {% set columns = get_quoted_csv(args.dest_columns | map(attribute='name')) %}
    {% set statements %}
    delete from {{ args.target_relation }}
    where
        image_key in (select image_key from {{ args.temp_relation }})
        or (period_key, stage_version) not in (select distinct period_key, stage_version from {{ ref('staged_images') }});

    insert into {{ args.target_relation }} ({{ columns }})
    select {{ columns }} from {{ args.temp_relation }};
    {% endset %}
    {{ in_transaction(statements) }}
{% endmacro %}
