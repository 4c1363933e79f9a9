{#
    The CTE `versions` of staged images: for the images of a partition that refer to the same rows of the other tables,
    the version of the study, the keys of these rows, and the latest creation and file time. A time of each file
    would reveal how the files of a study follow one another.
#}
{% macro image_versions() -%}
versions as (
    select
        version,
        {{ study_version_key('version[2]', 'version[3]', 'version[4]') }} as study_version_key,
        {%- for table_name in ['patients', 'studies', 'series', 'devices'] %}
        {{ keyed_id('row', 'version[' ~ (loop.index + 2) ~ ']') }} as {{ table_name }}_row_key,
        {%- endfor %}
        deid.keyed_hash(ki, ko, 'version_precedence', version[2]) as hash_of_study,
        deid.secret_creation_time(max(deid.creation_time(key_created)), hash_of_study) as version_created,
        deid.secret_file_time(max(deid.file_time(file_mtime_ns)), hash_of_study) as version_file_time
    from keyed group by version, ki, ko
)
{%- endmacro %}

{# The key of a version of a study: its files agree on the patient and on all attributes of the study. #}
{% macro study_version_key(study_key, patients_row, studies_row) %}
    {{ return(keyed_id('study_version', "concat_ws('|', " ~ study_key ~ ", " ~ patients_row ~ ", " ~ studies_row ~ ")")) }}
{% endmacro %}
