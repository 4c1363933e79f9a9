{#
    Incremental strategy of processed_images: images that were looked at again make way, and those
    that are gone. An image is in stage as long as the version of the partition that it was taken
    from is: so versions tell which are gone, without holding each image against stage.
#}
{% macro get_incremental_replace_images_sql(args) %}
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
