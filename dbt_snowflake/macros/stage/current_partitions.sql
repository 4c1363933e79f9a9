{#
    The partitions in the raw zone, each with the version that its staged rows should have: a digest of the
    version of the raw rows, the SQL of the staged body (which differs by profile), the word lists, the cleaning
    rules, the key, and the terms that identify the patients of the partition. The period itself is stored in the
    raw zone only, because the true month would reveal the date shift.
#}
{% macro current_partitions(table_name) -%}
    select
        periods.study_period,
        {{ keyed_id('study_period', 'periods.study_period') }} as period_key,
        {{ keyed_id(
            'stage_version',
            "periods.raw_version || '|" ~ local_md5(staged_body(table_name)) ~ "|" ~ words_digest(table_name) ~ "|' || rules.rules_version || '|' || vault.key_id || '|' || coalesce(identity.terms_digest, '')"
        ) }} as stage_version
    from (select distinct study_period, raw_version from ({{ raw_rows(table_name) }}) as rows_now) as periods
    cross join {{ source('vault', 'keys') }} as vault
    cross join {{ ref('cleaning_rules') }} as rules
    left join {{ ref('identity_digests') }} as identity
        on identity.period_key = {{ keyed_id('study_period', 'periods.study_period') if 'patient_key' in staged_keys(table_name) else "'all'" }}
{%- endmacro %}
