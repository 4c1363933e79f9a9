{#
    The CTEs after `keyed` up to `final`: join with the cleaned texts, kept codes and leaked values, then cast and
    de-identify. A hash of this SQL is part of the version of a partition, so that a change of the mapping or of a
    macro rebuilds only the tables that it affects. The hash is made with the default names,
    because the model that has it is upstream of these tables.
#}
{% macro staged_body(
    table_name, cleaned_texts='cleaned_texts', leaked_values='leaked_values', kept_codes='kept_codes', images='images'
) -%}
{%- set texts, sequences = cleaned_columns(table_name), sequence_columns(table_name) -%}
{%- set kept, codes = kept_text_columns(table_name), code_columns(table_name) -%}
{%- set uids = class_uid_columns(table_name) -%}
{%- set ages = age_columns(table_name) -%}
{%- set registered = ref('registered_uids') -%}
{%- if texts or sequences -%}
texts as (
    select
        (raw.kind, raw.patient_key, raw.study_key) as owner,
        raw.text,
        cleaned.clean,
        cleaned.is_leaked
    from (
        {{ texts_of_table(table_name, 'keyed') | indent(4) }}
    ) as raw
    inner join {{ cleaned_texts }} as cleaned
        on raw.kind = cleaned.kind
        and raw.patient_key = cleaned.patient_key
        and raw.study_key = cleaned.study_key
        and {{ keyed_id('text', 'raw.text') }} = cleaned.text_key
),

{% endif %}
{%- if kept -%}
kept as (
    select *, column_name || ':' || value as cell, {{ keyed_id('value', 'value') }} as value_key
    from ({{ values_of_table(table_name, 'keyed') }}) as found
),

leaks as (
    select leaked_values.owner_key, list(kept.cell) as cells
    from kept
    inner join {{ leaked_values }} as leaked_values using (table_name, column_name, value_key)
    group by leaked_values.owner_key
),

{% endif -%}
{%- if codes -%}
codes as (
    select kept.cell, kept_codes.forms
    from kept
    inner join {{ kept_codes }} as kept_codes using (table_name, column_name, value_key)
),

{% endif -%}
{% if table_name == 'images' -%}
{{ image_versions() }},

{% endif -%}
{% if ages -%}
-- files with the same row can have different dates if they have no StudyDate: the first date counts
ages as (
    select
        study_period,
        patients_row as row_digest,
        coalesce(arg_min(computed_age, dicom.days_of_age(computed_age)), any_value(computed_age)) as computed_age
    from {{ images }}
    where file_outcome = 'loaded' and study_period in (select study_period from keyed)
    group by study_period, patients_row
),

{% endif -%}
joined as (
    select
        keyed.*,
        {{ "list_concat(coalesce(own.cells, []), coalesce(anybody.cells, []))" if kept else "cast([] as varchar[])" }} as leaked
        {%- for column in texts %},
        text_{{ loop.index }}.clean as text_{{ loop.index }}
        {%- endfor %}
        {%- for column in sequences %},
        sequence_{{ loop.index }}.clean as sequence_{{ loop.index }}
        {%- endfor %}
        {%- for column in uids %},
        uid_{{ loop.index }}.uid as uid_{{ loop.index }}
        {%- endfor %}
        {%- for column in codes %},
        deid.forms_unless_leaked(leaked, code_{{ loop.index }}) as code_{{ loop.index }}
        {%- endfor %}
        {%- if table_name == 'images' %},
        versions.* exclude (version),
        transfer_syntax.uid as registered_transfer_syntax
        {%- endif %}
        {%- if ages %},
        ages.computed_age
        {%- endif %}
        {%- if sequences %},
        deid.not_null([
            {%- for column in sequences %}
            case when sequence_{{ loop.index }}.is_leaked then '{{ column.column_name }}' end{{ "," if not loop.last }}
            {%- endfor %}
        ]) as leaked_sequences
        {%- endif %}
    from keyed
    {%- if kept %}
    left join leaks as own on own.owner_key = {{ "keyed.patient_key" if has_patient(table_name) else "coalesce(keyed.device_key, '')" }}
    left join leaks as anybody on anybody.owner_key = '*'
    {%- endif %}
    {%- for column in codes %}
    {{ join_codes(loop.index, column) }}
    {%- endfor %}
    {%- for column in texts %}
    {{ join_texts("text", loop.index, column) }}
    {%- endfor %}
    {%- for column in sequences %}
    {{ join_texts("sequence", loop.index, column) }}
    {%- endfor %}
    {%- for column in uids %}
    left join {{ registered }} as uid_{{ loop.index }} on uid_{{ loop.index }}.uid = keyed."{{ column.column_name }}"
    {%- endfor %}
    {%- if ages %}
    left join ages using (study_period, row_digest)
    {%- endif %}
    {%- if table_name == 'images' %}
    inner join versions on keyed.version = versions.version
    left join {{ registered }} as transfer_syntax on transfer_syntax.uid = keyed.transfer_syntax_uid
    {%- endif %}
),

deidentified as (
    select
        joined.*
        {%- for column in mapped_columns(table_name) %},
        {%- if column in texts %}
        {{ in_line(deid_clean_text("text_" ~ (texts.index(column) + 1), column), column) }}
        {%- elif column in sequences %}
        {{ in_line(deid_clean_sequence("sequence_" ~ (sequences.index(column) + 1), column), column) }}
        {%- elif column in uids %}
        {{ in_line(deid_keep("uid_" ~ (uids.index(column) + 1), column), column) }}
        {%- elif column in codes %}
        {{ in_line(deid_keep_code("code_" ~ (codes.index(column) + 1), column), column) }}
        {%- else %}
        {{ deidentified(column) }}
        {%- endif %}
        {%- endfor %}
    from joined
),

-- the cells that could not be converted, or were removed, as column:value
lost as (
    select
        deidentified.*,
        deid.not_null([
            {%- for column in mapped_columns(table_name) if not nulls_all(column) %}
            {{ lost_cell(column) }}{{ "," if not loop.last }}
            {%- endfor %}
        ]) as lost_cells
    from deidentified
),

final as (
    select
        {%- for column in staged_columns(table_name) if not column.is_mapped %}
        {{ column.sql ~ (" as " ~ column.name if column.sql != column.name else "") }},
        {%- endfor %}
        columns('^clean_(.*)$') as '\1'
    from lost
)
{%- endmacro %}

{#
    Columns of `keyed`: the date shift, the owners of texts (they are cleaned by patient and study), and the rows of
    the other tables that belong to an image.
#}
{% macro shift_and_owners(table_name) %}
    {% set columns = [] %}
    {% if has_patient(table_name) %}{% do columns.append("deid.shift_days(ki, ko, patient_of_dates) as shift_days") %}{% endif %}
    {% set owner = "patient_key, study_key" if has_patient(table_name) else "'', ''" %}
    {% do columns.append("('text', " ~ owner ~ ") as text_owner, ('sequence', " ~ owner ~ ") as sequence_owner") %}
    {% if table_name == 'images' %}
        {% do columns.append("(period_key, study_key, patients_row, studies_row, series_row, devices_row) as version") %}
    {% endif %}
    {{ return(columns | join(",\n        ")) }}
{% endmacro %}

{% macro join_texts(kind, index, column) %}
    {% set name = kind ~ "_" ~ index %}
    {% set relation = "left join texts as " ~ name %}
    {% set condition = "on " ~ name ~ ".owner = " ~ kind ~ "_owner and " ~ name ~ ".text = keyed." ~ quote_name(column.column_name) %}
    {{ return(relation ~ (" " if (relation ~ condition) | length < 115 else "\n        ") ~ condition) }}
{% endmacro %}

{% macro join_codes(index, column) %}
    {% set name = "code_" ~ index %}
    {% set relation = "left join codes as " ~ name %}
    {% set condition = "on " ~ name ~ ".cell = '" ~ column.column_name ~ ":' || keyed." ~ quote_name(column.column_name) %}
    {{ return(relation ~ (" " if (relation ~ condition) | length < 115 else "\n        ") ~ condition) }}
{% endmacro %}

{# The cell of a column as `column:value`, if the value was lost. An age that is impossible by its dates is lost too. #}
{% macro lost_cell(column) %}
    {% set value = quote_name(column.column_name) %}
    {% if is_computed_age(column) %}{% set value = "coalesce(" ~ value ~ ", computed_age)" %}{% endif %}
    {{ return(call_function(
        "deid.lost_in_array" if column.is_array else "deid.lost",
        ["'" ~ column.column_name ~ "'", value, "clean_" ~ column.column_name],
        12,
    )) }}
{% endmacro %}
