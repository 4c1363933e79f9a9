{# A key or pseudonym of a value, in rows with the columns ki and ko of the vault. #}
{% macro keyed_id(domain, value) %}{{ return("deid.keyed_id(ki, ko, '" ~ domain ~ "', " ~ value ~ ")") }}{% endmacro %}
