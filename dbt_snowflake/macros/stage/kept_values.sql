{# The distinct values of kept columns in keyed rows, with their key in `leaked_values`. #}
{% macro kept_values(table_name, keyed) -%}
    select distinct
        '{{ table_name }}' as table_name,
        column_name,
        attribute,
        is_array,
        {{ keyed_id('value', 'value') }} as value_key,
        value
    from (
        {%- for c in kept_text_columns(table_name) %}
        {{ "union all" if not loop.first }}
        select
            '{{ c.column_name }}' as column_name,
            '{{ c.attribute }}' as attribute,
            {{ 'true' if c.is_array else 'false' }} as is_array,
            ki,
            ko,
            {{ quote_name(c.column_name) }} as value
        from {{ keyed }}
        {%- else %}
        select
            null as column_name,
            null as attribute,
            false as is_array,
            ki,
            ko,
            cast(null as varchar) as value
        from {{ keyed }}
        {%- endfor %}
    ) as all_values
    where {{ is_short_enough('value') }}
{%- endmacro %}
