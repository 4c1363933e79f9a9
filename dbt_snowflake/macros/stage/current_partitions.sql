{#
    The partitions that raw has now, each with the version its staged rows should have: the raw
    fingerprint, what is done to a row, the key and the profile. The period itself stays in raw,
    since the true month would undo the date shift.
#}
{% macro current_partitions(table_name) -%}
    select
        periods.study_period,
        {{ keyed_id('study_period', 'periods.study_period') }} as period_key,
        {{ keyed_id(
            'stage_version',
            "periods.raw_version || '|" ~ local_md5(staged_body(table_name)) ~ "|' || vault.key_id || '|" ~ deid_profile() ~ "'"
        ) }} as stage_version
    from (select distinct study_period, raw_version from ({{ raw_rows(table_name) }}) as rows_now) as periods
    cross join {{ source('vault', 'keys') }} as vault
{%- endmacro %}
