{#
    The key of an entity: a keyed hash of the columns in the seed surrogate_key_mapping. The first alternative
    counts of which all required columns have a value.
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
        {% set parts = ["'" ~ alternative ~ "'"] %}
        {% for _, name, is_required in columns %}
            {% do parts.append(("deid.key_part(" if is_required else "deid.optional_key_part(") ~ name ~ ")") %}
        {% endfor %}
        {% do alternatives.append(parts | join(" || " if parts | length <= 3 else "\n            || ")) %}
    {% endfor %}
    {% set identity = alternatives[0] %}
    {% if alternatives | length > 1 %}
        {% set identity = "coalesce(\n            " ~ alternatives | join(",\n            ") ~ "\n        )" %}
    {% endif %}
    {% do context.update({remembered: keyed_id(key_name, identity)}) %}
    {{ return(context[remembered]) }}
{% endmacro %}
