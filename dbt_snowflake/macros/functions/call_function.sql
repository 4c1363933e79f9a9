{# A call of an SQL function, with its arguments in lines of their own if one line would be too long. #}
{% macro call_function(name, arguments, indent) %}
    {% set call = name ~ "(" ~ arguments | join(", ") ~ ")" %}
    {% if call | length + indent <= 118 %}{{ return(call) }}{% endif %}
    {% set lines = [] %}
    {% for argument in arguments %}
        {% set longer = lines[-1] ~ ", " ~ argument if lines else argument %}
        {% if lines and longer | length + indent <= 112 %}{% do lines.pop() %}{% do lines.append(longer) %}
        {% else %}{% do lines.append(argument) %}
        {% endif %}
    {% endfor %}
    {% set line = "\n" ~ " " * (indent + 4) %}
    {{ return(name ~ "(" ~ line ~ lines | join("," ~ line) ~ "\n" ~ " " * indent ~ ")") }}
{% endmacro %}
