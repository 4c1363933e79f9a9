{# Rows of a relation, with the columns ki and ko, which the keyed hash uses. #}
{% macro with_vault(relation) -%}
    select
        rows_of.*,
        vault.ki,
        vault.ko
    from {{ relation }} as rows_of
    cross join {{ source('vault', 'keys') }} as vault
{%- endmacro %}
