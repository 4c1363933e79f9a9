{#
    The partitions that raw has now, each with the version its staged rows should have: the raw
    fingerprint, what is done to a row (which differs by profile), the lists of words, the rules of cleaning, the key, and
    what identifies the patients of the partition. The period itself stays in raw, since the true month would undo
    the date shift.
#}
{% macro current_partitions(table_name) -%}
    select
        periods.study_period,
        {{ keyed_id('study_period', 'periods.study_period') }} as period_key,
        {{ keyed_id(
            'stage_version',
            "periods.raw_version || '|" ~ local_md5(staged_body(table_name)) ~ "|" ~ words_digest() ~ "|' || vault.key_id || '|' || coalesce(identity.terms_digest, '')"
        ) }} as stage_version
    from (select distinct study_period, raw_version from ({{ raw_rows(table_name) }}) as rows_now) as periods
    cross join {{ source('vault', 'keys') }} as vault
    cross join {{ ref('cleaning_rules') }} as rules
    left join {{ ref('identity_digests') }} as identity
        on identity.period_key = {{ keyed_id('study_period', 'periods.study_period') if 'patient_key' in staged_keys(table_name) else "'all'" }}
{%- endmacro %}
