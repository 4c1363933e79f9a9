{# Rows of a relation, each with the columns ki and ko that the keyed hash refers to. #}
{% macro with_vault(relation) -%}
    select
        rows_of.*,
        vault.ki,
        vault.ko
    from {{ relation }} as rows_of
    cross join {{ source('vault', 'keys') }} as vault
{%- endmacro %}
