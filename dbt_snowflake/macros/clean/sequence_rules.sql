{#
    What happens to an element inside of a sequence: the seed sequence_attributes decides by the tag,
    and where it is silent the VR does. Text that the seed does not name, names of persons, network
    addresses and whatever is not known here lose their value.
#}
{% macro sequence_rules() %}
    {% set attributes = ref('sequence_attributes') %}
    {% if not execute %}{{ return([]) }}{% endif %}
    {% if 'sequence rules' in context %}{{ return(context['sequence rules']) }}{% endif %}
    {% set lines = run_query("select tag, keyword, " ~ deid_profile() ~ " from " ~ attributes ~ " order by tag") %}
    {% set rules = [] %}
    {% for tag, keyword, action in lines.rows %}
        {% if not modules.re.fullmatch('[0-9A-F]{8}', tag) or not modules.re.fullmatch('[A-Za-z0-9]+', keyword) %}
            {% do sequence_rule_error(tag, "no tag of eight hexadecimal digits with a keyword") %}
        {% elif action not in sequence_actions() %}
            {% do sequence_rule_error(tag, "unknown function " ~ action) %}
        {% elif rules and rules[-1].tag == tag %}
            {% do sequence_rule_error(tag, "stands twice") %}
        {% endif %}
        {% do rules.append({'tag': tag, 'keyword': keyword, 'action': action}) %}
    {% endfor %}
    {% do context.update({'sequence rules': rules}) %}
    {{ return(rules) }}
{% endmacro %}

{% macro sequence_actions() %}
    {{ return([
        'age_cap', 'clean_sequence', 'clean_text', 'code_value', 'coding_scheme', 'keep_code', 'keep_number', 'keep_time', 'remove',
        'shift_date', 'shift_datetime', 'uid',
    ]) }}
{% endmacro %}

{% macro sequence_rule_error(tag, problem) %}
    {% do exceptions.raise_compiler_error("sequence_attributes, " ~ tag ~ ": " ~ problem) %}
{% endmacro %}

{# For tags that the seed does not name. Dates, times and ages stay under research only. #}
{% macro sequence_action_of_vr(vr) %}
    {% set actions = {'UI': 'uid', 'CS': 'keep_code', 'SQ': 'clean_sequence', 'AT': 'keep_tag'} %}
    {% if deid_profile() == 'research' %}
        {% do actions.update({'DA': 'shift_date', 'DT': 'shift_datetime', 'TM': 'keep_time', 'AS': 'age_cap'}) %}
    {% endif %}
    {% set branches = ["when " ~ vr ~ " in ('DS', 'FD', 'FL', 'IS', 'SL', 'SS', 'SV', 'UL', 'US', 'UV') then 'keep_number'"] %}
    {% for name, action in actions.items() %}
        {% do branches.append("when " ~ vr ~ " = '" ~ name ~ "' then '" ~ action ~ "'") %}
    {% endfor %}
    {{ return("case " ~ branches | join(" ") ~ " else 'remove' end") }}
{% endmacro %}
