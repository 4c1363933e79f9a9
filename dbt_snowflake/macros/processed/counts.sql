{# Counts from `contents`, with the type of the mapping. #}
{% macro counts(names) -%}
    {%- for name in names -%}
        cast(contents.{{ name }} as {{ type_name('integer') }}) as {{ name }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
