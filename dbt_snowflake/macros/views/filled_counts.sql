{#
    A select with one row per kept attribute of a table and modality: how many rows have a value. It reads
    the table once and unpivots the counts. Without a modality, all rows count together.
#}
{% macro filled_counts(table_name, rows, modality='cast(null as varchar)') -%}
    {%- set names = kept_attributes(table_name) -%}
    select
        'processed_{{ table_name }}' as table_name,
        lower(column_name) as column_name,
        modality_of_rows as modality,
        row_count,
        filled_count
    from (
        select
            {{ modality }} as modality_of_rows,
            count(*) as row_count
            {%- for name in names %},
            count({{ quote_name(name) }}) as {{ quote_name(name) }}
            {%- endfor %}
        from {{ rows }}
        group by 1
    ) as counts
    unpivot (filled_count for column_name in ({{ quoted(names) }}))
{%- endmacro %}

{% macro quoted(names) %}
    {% set quoted_names = [] %}
    {% for name in names %}{% do quoted_names.append(quote_name(name)) %}{% endfor %}
    {{ return(quoted_names | join(', ')) }}
{% endmacro %}
