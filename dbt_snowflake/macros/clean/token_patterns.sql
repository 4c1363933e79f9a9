{#
    A text is digits, letters and what separates them, run after run. What is not ASCII counts as a
    letter unless it is known to be punctuation: a script that the list of allowed words does not
    know is taken out. Terms are cut the same way in Python: `extract/tokens.py`.
#}
{% macro separator_characters() %}{{ return(" -/:-@{-~[-` ‐-―‘-‟•…¡§«±·»¿×÷　-。「」（），：") }}{% endmacro %}

{% macro letters_pattern() %}{{ return("[^0-9" ~ separator_characters() ~ "[:cntrl:]]+") }}{% endmacro %}

{% macro separators_pattern() %}{{ return("[" ~ separator_characters() ~ "[:cntrl:]]+") }}{% endmacro %}

{% macro tokens_pattern() %}{{ return("[0-9]+|" ~ letters_pattern()) }}{% endmacro %}

{% macro pieces_pattern() %}{{ return(tokens_pattern() ~ "|" ~ separators_pattern()) }}{% endmacro %}

{# Stands for what was taken out while a text is worked on: a control character, so a separator. #}
{% macro removal_mark() %}{{ return("chr(30)") }}{% endmacro %}
