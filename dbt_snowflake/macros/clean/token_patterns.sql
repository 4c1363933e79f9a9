{#
    A text is digits, letters and what separates them, run after run. What is not ASCII counts as a
    letter unless it is known to be punctuation: a script that the list of allowed words does not
    know is taken out. Terms are cut the same way in Python: `extract/tokens.py`.
#}
{% macro separator_characters() %}{{ return(" -/:-@{-~[-` ‐-―‘-‟•…¡§«±·»¿×÷　-。「」（），：") }}{% endmacro %}

{% macro letters_pattern() %}{{ return("[^0-9¦" ~ separator_characters() ~ "[:cntrl:]]+") }}{% endmacro %}

{# Letters of the Latin script, with and without accents. #}
{% macro latin_letters_pattern() %}{{ return("[ -~À-ɏ]*") }}{% endmacro %}

{% macro separators_pattern() %}{{ return("[¦" ~ separator_characters() ~ "[:cntrl:]]+") }}{% endmacro %}

{% macro tokens_pattern() %}{{ return("[0-9]+|" ~ letters_pattern()) }}{% endmacro %}

{% macro pieces_pattern() %}{{ return(tokens_pattern() ~ "|" ~ separators_pattern()) }}{% endmacro %}

{# Control characters of both sets, and marks that hide, part or turn round what follows. #}
{% macro active_characters_pattern() %}{{ return("[[:cntrl:]\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]") }}{% endmacro %}

{# Stands for what was taken out while a text is worked on: a control character, so a separator. #}
{% macro removal_mark() %}{{ return("chr(30)") }}{% endmacro %}

{# The same, of a date or a time: who signs puts initials beside it. #}
{% macro moment_mark() %}{{ return("chr(29)") }}{% endmacro %}

{#
    Stands for the backslash between values while a text is worked on: so many that a pattern, which
    may take a neighbour along on either side, cannot take them all, nor reach over them.
#}
{% macro value_bar() %}{{ return("'¦¦¦¦¦'") }}{% endmacro %}

{% macro with_value_bars(text) %}{{ return("replace(replace(" ~ text ~ ", '¦', ' '), chr(92), " ~ value_bar() ~ ")") }}{% endmacro %}

{% macro without_value_bars(text) %}
    {% set whole = "replace(" ~ text ~ ", " ~ value_bar() ~ ", chr(92))" %}
    {{ return("replace(" ~ regexp_replace(whole, '¦+', "'¦'") ~ ", '¦', chr(92))") }}
{% endmacro %}
