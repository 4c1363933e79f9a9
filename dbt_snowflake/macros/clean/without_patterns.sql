{#
    A text in which everything that has the shape of an identifier, whosever it is, is a removal
    mark, or the mark of a date or a time. Dates in a text are taken out, not shifted: which day they
    mean is a guess.
    Expression engines without look-around cannot say "not before a letter": such patterns take the
    neighbour with them, so the mark brings its own spaces.
#}
{% macro without_patterns(text) %}
    {% set cleaned = namespace(sql=with_value_bars(regexp_replace(text, '[[:cntrl:]]', "' '"))) %}
    {% for patterns, mark in identifying_patterns() %}
        {% for pattern in patterns %}
            {% set cleaned.sql = regexp_replace(cleaned.sql, pattern | replace("'", "''"), "' ' || " ~ mark ~ " || ' '") %}
        {% endfor %}
    {% endfor %}
    {{ return(cleaned.sql) }}
{% endmacro %}

{# Patterns in the order in which they are looked for, and the marks they leave. #}
{% macro identifying_patterns() %}
    {% set no_letter = '([^a-z]|$)' %}
    {# of any script: Jędra is no Dra. #}
    {% set no_letter_before = '(^|[0-9¦' ~ separator_characters() ~ '[:cntrl:]])' %}
    {# an expression engine takes the first branch that fits: the longer ones come first #}
    {% set day = '(3[01]|[12][0-9]|0?[1-9])' %}
    {% set month = '(1[0-2]|0?[1-9])' %}
    {% set year = '(18|19|20)[0-9]{2}' %}
    {% set month_name = '(' ~ [
        'january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december',
        'januar', 'februar', 'märz', 'maerz', 'mai', 'juni', 'juli', 'oktober', 'dezember',
        'janvier', 'février', 'fevrier', 'mars', 'avril', 'juin', 'juillet', 'août', 'aout', 'septembre', 'octobre', 'novembre', 'décembre', 'decembre',
        'enero', 'febrero', 'marzo', 'abril', 'mayo', 'junio', 'julio', 'agosto', 'septiembre', 'octubre', 'noviembre', 'diciembre',
        'gennaio', 'febbraio', 'aprile', 'maggio', 'giugno', 'luglio', 'settembre', 'ottobre', 'dicembre',
        'janeiro', 'fevereiro', 'março', 'maio', 'junho', 'julho', 'setembro', 'outubro', 'novembro', 'dezembro',
        'januari', 'februari', 'maart', 'mei', 'augustus',
    ] | join('|') ~ ')' %}
    {% set month_short = '(jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez|fév|avr|déc|ene|abr|ago|dic)[.]?' %}
    {% set month_any = '(' ~ month_name ~ '|' ~ month_short ~ ')' %}
    {# the end of another number is no day: 320x256 Aug. 25, 2009, and Mar. 24, 2011. Mar. 24, 2011 #}
    {% set start = '(^|[^0-9])' %}
    {% set gap = '[^0-9a-z]{0,3}' %}
    {% set ordinal = '(st|nd|rd|th|er|º|[.])?' %}
    {# numbers first, whole: a pattern inside of one would leave its ends #}
    {% set numbers = [
        '[a-z0-9._+-]+@[a-z0-9.-]+[.][a-z]{2,}',
        '(https?:|www[.])[^ ]+',
        '[0-9]+([.][0-9]+){3,}',
        '[0-9]+-[0-9]{5,}(-[0-9]+)*|[0-9]{5,}-[0-9]+(-[0-9]+)*',
    ] %}
    {% set between = '[^0-9a-z]{1,3}' %}
    {% set day_and_month = '(' ~ day ~ between ~ month ~ '|' ~ month ~ between ~ day ~ ')' %}
    {# after a year a time may come: 2009 12:45 #}
    {% set after_year = ' ?[^0-9a-z :] ?' %}
    {% set moments = [
        day_and_month ~ between ~ year,
        year ~ after_year ~ month ~ after_year ~ day,
        year ~ ' ' ~ month ~ ' ' ~ day,
    ] %}
    {% for separator in ['-', '/', '[.]', '[.] '] %}
        {% set day_and_month = '(' ~ day ~ separator ~ month ~ '|' ~ month ~ separator ~ day ~ ')' %}
        {# twice: a date that follows at once has lost the neighbour it needs to the first pass #}
        {% do moments.extend(['(^|[^0-9])' ~ day_and_month ~ separator ~ '[0-9]{2}([^0-9]|$)'] * 2) %}
    {% endfor %}
    {% do moments.extend([
        start ~ day ~ ordinal ~ gap ~ '(de )?' ~ month_any ~ gap ~ '(de )?' ~ year,
        month_any ~ gap ~ day ~ ordinal ~ gap ~ year,
        start ~ day ~ ordinal ~ gap ~ '(de )?' ~ month_any ~ gap ~ "(de )?'?[0-9]{2}",
        month_any ~ gap ~ '(de )?' ~ year,
        '(^|[^0-9./-])' ~ month ~ '[/.](19|20)[0-9]{2}([^0-9]|$)',
    ]) %}
    {% set long_numbers = ['[0-9]{3,5}/[0-9]{6,}'] %}
    {% set more_moments = [
        year ~ gap ~ month_any ~ gap ~ day,
        start ~ day ~ ordinal ~ '[ -]*(de )?' ~ month_name ~ no_letter,
        month_name ~ ' ' ~ day ~ '(st|nd|rd|th)?' ~ no_letter,
        '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?( ?[ap][.]?m[.]?)?',
        '[0-9]{1,2}:[0-5][0-9] ?[ap][.]?m[.]?',
    ] %}
    {% set others = [
        '(tel|fax|pager)[a-z]*[ .:]*[+0-9(][0-9 ()/.-]{3,}[0-9]',
        '[+][0-9]{1,3}[ ()/.-]*([0-9]{1,5}[ ()/.-]*){2,}',
        '[(][0-9]{2,5}[)][ -]*[0-9]{3,}([ -][0-9]+)*',
        '[0-9]{3}[-. /][0-9]{3}[-. ][0-9]{2}([0-9][1-9]|[1-9][0-9])',
        '[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}',
        '[0-9]*[0-9]{3}-[0-9]{2}([0-9][1-9]|[1-9][0-9])[0-9]*',
        year ~ '-[0-9]{3,}',
        '(mrn|accession|acc|pid|ssn|nhs|dob|(patient|case|chart|order) ?(id|no|nr|number))[ .:#=-]+[a-z]{0,3}[ -]?[0-9][0-9a-z-]*',
        no_letter_before ~ '(dr|prof|mrs|herr|frau|mme|dra|sra|dott)[. ]+' ~ letters_pattern() ~ '([-^]' ~ letters_pattern() ~ ')*',
        no_letter_before ~ '(mr|ms|sr)[.] ?' ~ letters_pattern(),
        '(9[1-9]|1[01][0-9]) ?y' ~ no_letter,
        '(9[0-9]|1[01][0-9]) ?y[.]?/?o[.]?' ~ no_letter,
        '(9[0-9]|1[01][0-9])[- ]*(yrs?|years?|jahre)([- ]?(old|alt))?' ~ no_letter,
        '(^|[^a-z])aged?[ :=]*(9[0-9]|1[01][0-9])',
    ] %}
    {% set edge = '[' ~ separator_characters() ~ ']' %}
    {{ return([
        (numbers, removal_mark()),
        (moments, moment_mark()),
        (long_numbers, removal_mark()),
        (more_moments, moment_mark()),
        (others, removal_mark()),
        (['(^|' ~ edge ~ ')' ~ year ~ '(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([0-9]{4}|[0-9]{6})?(' ~ edge ~ '|$)'], moment_mark()),
        (['[0-9]{5,}'], removal_mark()),
    ]) }}
{% endmacro %}
