{# Refuses a mapping under which a staged table would have what identifies patients. #}
{% macro refuse_leaks(table_name) %}
    {% do ref_of_rules() %}
    {% for column in mapped_columns(table_name) %}{% do refuse_leak(column) %}{% endfor %}
{% endmacro %}

{# So that dbt sees which seeds `needs_accepted_risk` reads. #}
{% macro ref_of_rules() %}
    {% do ref('confidentiality_profile') %}
    {% do ref('vr_functions') %}
{% endmacro %}

{#
    The check of dicom_pipeline/mapping/function_check.py, for dbt without the pipeline: a function has to fit
    the VR, and a value that the confidentiality profile protects is kept only with an accepted risk. `deidentified`
    reports unknown functions.
#}
{% macro refuse_leak(column) %}
    {% set fits = seed_rows('vr_functions', 'vr') %}
    {% if column.function not in (fits.values() | first) %}{{ return('') }}{% endif %}
    {% set fit = fits[column.vr][column.function] if column.vr in fits else 'refused' %}
    {% set is_class_uid = modules.re.search('SOPClass|TransferSyntaxUID', column.attribute.split('.')[-1]) %}
    {% if fit == 'refused' or (fit == 'class_uid' and not is_class_uid) %}
        {% do mapping_error(column, column.function ~ " does not fit the VR " ~ column.vr) %}
    {% endif %}
    {% if fit in ['reviewed', 'class_uid'] and not column.reviewed %}
        {% do mapping_error(column, column.function ~ " keeps the VR " ~ column.vr ~ " without being reviewed") %}
    {% endif %}
    {% if not (column.accepted_risk or '') | trim and needs_accepted_risk(column) %}
        {% do mapping_error(column, column.function ~ " keeps what the confidentiality profile protects, without accepted_risk") %}
    {% endif %}
{% endmacro %}

{# Whether a function keeps a value that the profile, or the rule of the VR, protects. #}
{% macro needs_accepted_risk(column) %}
    {% set fits = seed_rows('vr_functions', 'vr') %}
    {% if fits[column.vr][column.function] == 'accepted_risk' %}{{ return(true) }}{% endif %}
    {% if column.function == 'clean_sequence' and deid_profile() == 'strict' %}{{ return(true) }}{% endif %}
    {% set keywords = modules.re.sub('\\[[0-9]+\\]', '', column.attribute).split('.') %}
    {% set allowed = namespace(actions=allowed_actions(keywords[-1])) %}
    {% for sequence in keywords[:-1] if not (allowed_actions(sequence) | select('in', ['U', 'text', 'K']) | list) %}
        {% set allowed.actions = ['X'] %}
    {% endfor %}
    {% set permitted_by = {
        'remove': ['X', 'Z', 'D', 'U', 'date', 'text', 'K'],
        'shift_date': ['date', 'K'], 'shift_datetime': ['date', 'K'], 'keep_time': ['date', 'K'],
        'clean_text': ['text', 'K'], 'age_cap': ['text', 'K'], 'clean_sequence': ['U', 'text', 'K'],
        'keep': ['K'], 'keep_code': ['K'], 'keep_number': ['K'],
    }.get(column.function, ['Z', 'D', 'U', 'date', 'text', 'K']) %}
    {{ return(not (allowed.actions | select('in', permitted_by) | list)) }}
{% endmacro %}

{# Actions of Table E.1-1 under the profile; K if it does not list the keyword. C is a date or a text. #}
{% macro allowed_actions(keyword) %}
    {% set row = seed_rows('confidentiality_profile', 'keyword').get(keyword) %}
    {% if not row %}{{ return(['K']) }}{% endif %}
    {% set actions = row['basic_action'].replace('*', '').split('/') %}
    {% if deid_profile() == 'research' %}
        {% for option in ['retain_patient_characteristics', 'retain_longitudinal_modified_dates', 'clean_descriptors'] %}
            {% set cleaned = 'date' if option == 'retain_longitudinal_modified_dates' else 'text' %}
            {% do actions.append(cleaned if row[option] == 'C' else row[option]) %}
        {% endfor %}
    {% endif %}
    {{ return(actions) }}
{% endmacro %}

{#
    The rows of a seed by the value of a column. The seed is read once per model. Snowflake returns column names
    in upper case.
#}
{% macro seed_rows(seed, key) %}
    {% set remembered = 'rows of ' ~ seed %}
    {% if remembered not in context %}
        {% set rows = {} %}
        {% for row in run_query("select * from " ~ ref(seed)) %}
            {% set cells = {} %}
            {% for name, cell in row.dict().items() %}{% do cells.update({name | lower: cell}) %}{% endfor %}
            {% do rows.update({cells[key]: cells}) %}
        {% endfor %}
        {% if not rows %}{% do exceptions.raise_compiler_error(seed ~ " is empty") %}{% endif %}
        {% do context.update({remembered: rows}) %}
    {% endif %}
    {{ return(context[remembered]) }}
{% endmacro %}
