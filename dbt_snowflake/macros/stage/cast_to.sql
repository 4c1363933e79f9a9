{#
    Converts a raw text to the type of its column, or to null. A pattern is tested before the cast, because
    casts accept too much: 1.5 is not an integer, NaN and inf are not measurements.
#}
{% macro cast_to(value, column) %}
    {% if column.type == 'text' %}{{ return(value) }}
    {% elif column.type == 'date' %}{{ return(parse_date(value)) }}
    {% elif column.type == 'time' %}{{ return(parse_time(value)) }}
    {% elif column.type == 'timestamp' %}{{ return(parse_timestamp(value)) }}
    {% elif column.type == 'integer' %}{{ return(cast_if_matches(value, '[+-]?[0-9]+([.]0*)?', 'integer')) }}
    {% elif column.type == 'double' %}
        {{ return(cast_if_matches(value, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-2]?[0-9]{1,2})?', 'double')) }}
    {% else %}{{ return(try_cast(value, column.type)) }}
    {% endif %}
{% endmacro %}

{% macro cast_if_matches(value, pattern, type) %}
    {{ return("case when " ~ regexp_full_match(value, pattern) ~ " then " ~ try_cast(value, type) ~ " end") }}
{% endmacro %}
