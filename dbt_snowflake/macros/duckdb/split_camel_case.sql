{#
    Insert a space where the case of letters shows that a new word begins (mDIXONQuant becomes m DIXON
    Quant), and between a script without spaces and Latin letters (胸部CT becomes 胸部 CT).
#}
{% macro split_camel_case(value) %}{{ return(split_words(value, '\\1 \\2', ", 'g'")) }}{% endmacro %}

{% macro split_words(value, replacement, flags) %}
    {% set others = '[぀-ヿ㐀-鿿가-힣]' %}
    {% set split = namespace(sql=value) %}
    {% for left, right in [('[a-z]', '[A-Z]'), ('[A-Z]', '[A-Z][a-z]'), ('[a-zA-Z]', others), (others, '[a-zA-Z]')] %}
        {% set split.sql = "regexp_replace(" ~ split.sql ~ ", '(" ~ left ~ ")(" ~ right ~ ")', '" ~ replacement ~ "'" ~ flags ~ ")" %}
    {% endfor %}
    {{ return(split.sql) }}
{% endmacro %}
