{# Control characters, and marks that hide, separate or reverse what follows. #}
{% macro active_characters_pattern() %}{{ return("[[:cntrl:]\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]") }}{% endmacro %}
