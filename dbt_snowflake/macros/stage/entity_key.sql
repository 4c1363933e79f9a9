{#
    The key of an entity: a keyed hash of the columns in the seed surrogate_key_mapping. The length of each value
    precedes it, so that ('ab', 'c') and ('a', 'bc') differ; null is a dash.
#}
{% macro entity_key(key_name) %}
    {% set mapping = ref('surrogate_key_mapping') %}
    {% if not execute %}{{ return('null') }}{% endif %}
    {% set remembered = 'key ' ~ key_name %}
    {% if remembered in context %}{{ return(context[remembered]) }}{% endif %}
    {% set lines = run_query(
        "select alternative, key_column, required from " ~ mapping
        ~ " where key_name = '" ~ key_name ~ "' order by alternative, position"
    ) %}
    {% set alternatives = [] %}
    {% for alternative, columns in lines.rows | groupby(0) %}
        {% set required = [] %}
        {% set parts = ["'" ~ alternative ~ "'"] %}
        {% for _, name, is_required in columns %}
            {% if is_required %}{% do required.append(name ~ " is not null") %}{% endif %}
            {% do parts.append("coalesce(cast(length(" ~ name ~ ") as varchar) || ':' || " ~ name ~ ", '-')") %}
        {% endfor %}
        {% do alternatives.append("when " ~ required | join(" and ") ~ " then " ~ parts | join(" || ")) %}
    {% endfor %}
    {% do context.update({remembered: keyed_id(key_name, "case " ~ alternatives | join(" ") ~ " end")}) %}
    {{ return(context[remembered]) }}
{% endmacro %}
