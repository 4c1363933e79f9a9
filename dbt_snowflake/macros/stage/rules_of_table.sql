{# Digest of the seeds that decide about words, codes, UIDs and elements of sequences. #}
{% macro words_digest(table_name) %}
    {% set lists = [ref('allowed_words'), ref('allowed_words_site')] %}
    {% set terms = ref('defined_terms') %}
    {% set attributes = ref('sequence_attributes') %}
    {% set uids = ref('registered_uids') %}
    {% if not execute %}{{ return('') }}{% endif %}
    {% set union = "select word from " ~ lists[0] ~ " union select word from " ~ lists[1]
        ~ " union select attribute || '=' || term from " ~ terms ~ " union select uid from " ~ uids %}
    {% if sequence_columns(table_name) %}
        {% set union = union ~ " union select tag || keyword || '=' || " ~ deid_profile() ~ " from " ~ attributes %}
    {% endif %}
    {% if union not in context %}
        {% set digest = "select sha256(string_agg(word, ',' order by word)) from (" ~ union ~ ") as words" %}
        {% do context.update({union: run_query(digest).rows[0][0]}) %}
    {% endif %}
    {{ return(context[union]) }}
{% endmacro %}

{# Digest of everything that decides about the rows of a table: the SQL, its functions, and the seeds of words. #}
{% macro rules_of_table(table_name) %}
    {% set parts = [function_definitions(), staged_body(table_name), words_digest(table_name)] %}
    {% for key in staged_keys(table_name) %}{% do parts.append(entity_key(key)) %}{% endfor %}
    {{ return(local_md5(parts | join('|'))) }}
{% endmacro %}
