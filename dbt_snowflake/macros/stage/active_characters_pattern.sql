{# Pattern of control characters, and of marks that hide, separate or reverse the following text. #}
{% macro active_characters_pattern() %}{{ return("[[:cntrl:]\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]") }}{% endmacro %}
