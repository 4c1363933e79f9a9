{# Counts from `contents`, or zero: all images of an entity may belong to other entities. #}
{% macro counts_or_zero(names) -%}
    {%- for name in names -%}
        cast(coalesce(contents.{{ name }}, 0) as {{ type_name('integer') }}) as {{ name }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
