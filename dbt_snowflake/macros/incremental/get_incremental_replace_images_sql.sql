{# Incremental strategy of processed_images: images that were looked at again, or are gone, make way. #}
{% macro get_incremental_replace_images_sql(args) %}
    {% set columns = get_quoted_csv(args.dest_columns | map(attribute='name')) %}
    delete from {{ args.target_relation }}
    where
        image_key in (select image_key from {{ args.temp_relation }})
        or image_key not in (select image_key from {{ ref('staged_images') }});

    insert into {{ args.target_relation }} ({{ columns }})
    select {{ columns }} from {{ args.temp_relation }};
{% endmacro %}
