{#
    The hash from which all keys, pseudonyms, UIDs and date shifts derive. It refers to the columns ki and ko of
    the vault, so that no SQL text contains the key. dicom_pipeline/deid/keys.py has the same function in Python.
#}
{% macro keyed_hash(domain, value) %}
    {{ return(sha256("ko || " ~ sha256("ki || '" ~ domain ~ "|' || " ~ value))) }}
{% endmacro %}

{# 128 bits of the keyed hash, for keys and pseudonyms. #}
{% macro keyed_id(domain, value) %}
    {{ return("left(" ~ keyed_hash(domain, value) ~ ", 32)") }}
{% endmacro %}
