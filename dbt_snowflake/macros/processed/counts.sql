{# Counts out of `contents`; none is zero: an entity can lose all its images to others. #}
{% macro counts(names) -%}
    {%- for name in names -%}
        cast(coalesce(contents.{{ name }}, 0) as {{ type_name('integer') }}) as {{ name }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
