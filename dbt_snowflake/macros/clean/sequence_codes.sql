{#
    Coding schemes whose codes anybody can look up, and which say nothing of a site: those of the
    standard (PS3.16 Table 8-1). The codes of any other scheme are treated as text.
#}
{% macro coding_schemes() %}
    {{ return([
        '99SDM', 'ACR', 'BARI', 'BI', 'C4', 'DCM', 'DCMUID', 'FMA', 'I10', 'I9', 'I9C', 'IBSI', 'ISO3166_1', 'ISO639_1', 'ISO639_2', 'ITIS_TSN', 'LN',
        'MDC', 'MSH', 'NCIt', 'NDC', 'NEU', 'PUBCHEM_CID', 'RADELEMENT', 'RADLEX', 'RXNORM', 'SCT', 'SNM3', 'SRT', 'UCUM', 'UMLS',
    ]) }}
{% endmacro %}

{# What their codes look like: a few letters, or something with a digit that is no date. #}
{% macro is_code_value(value) %}
    {{ return(
        regexp_full_match(value, '[A-Za-z]{1,4}|[A-Z0-9.:-]*[0-9][A-Z0-9.:-]*')
        ~ " and not " ~ regexp_full_match(value, '(18|19|20)[0-9]{2}[.:-]?(0[1-9]|1[0-2])[.:-]?(0[1-9]|[12][0-9]|3[01])')
    ) }}
{% endmacro %}
