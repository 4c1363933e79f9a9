{#
    The one hash behind all keys, pseudonyms, UIDs and shifts. It refers to the columns ki and ko
    of the vault, so no SQL text holds the key; `vault.py` has the same in Python.
#}
{% macro keyed_hash(domain, value) %}
    {{ return(sha256("ko || " ~ sha256("ki || '" ~ domain ~ "|' || " ~ value))) }}
{% endmacro %}

{# 128 bits of it, which is what keys and pseudonyms are. #}
{% macro keyed_id(domain, value) %}
    {{ return("left(" ~ keyed_hash(domain, value) ~ ", 32)") }}
{% endmacro %}
