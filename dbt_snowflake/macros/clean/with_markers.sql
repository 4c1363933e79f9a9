{#
    What is left of a text, with a marker where something was taken out. Digits that hang on it (the
    number of an identifier whose letters are gone) and initials beside it go too; neighbours become
    one. The mark is the only control character that is left by then.
#}
{% macro with_markers(text) %}
    {% set steps = namespace(sql=text) %}
    {% for pattern, replacement in [
        ('[[:cntrl:]][_./:-]?[0-9]{3,}', '#'),
        ('[0-9]{3,}[_./-]?[[:cntrl:]]', '#'),
        ('[[:cntrl:]][,^]? ?[a-z][.]', '#'),
        ('[[:cntrl:]]([,^]|, )[a-z]([^a-z0-9]|$)', '# '),
        ('(^|[^a-z])([a-z][.] ?)+[[:cntrl:]]', ' #'),
        ("(^|[^a-z])[a-z](''|’)[[:cntrl:]]", ' #'),
        ('[[:cntrl:]]([' ~ separator_characters() ~ ']*[[:cntrl:]])+', '#'),
    ] %}
        {% set with_mark = "'" ~ replacement | replace('#', "' || " ~ removal_mark() ~ " || '") ~ "'" %}
        {% set steps.sql = regexp_replace(steps.sql, pattern, with_mark) %}
    {% endfor %}
    {# what was matched with its neighbours has brought spaces of its own #}
    {% set steps.sql = regexp_replace(steps.sql, ' +[[:cntrl:]]', "' ' || " ~ removal_mark()) %}
    {% set steps.sql = regexp_replace(steps.sql, '[[:cntrl:]] +', removal_mark() ~ " || ' '") %}
    {% set steps.sql = without_value_bars(steps.sql) %}
    {{ return("trim(replace(" ~ steps.sql ~ ", " ~ removal_mark() ~ ", '[removed]'))") }}
{% endmacro %}
