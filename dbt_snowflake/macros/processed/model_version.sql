{# Version of the code of the current model, as a text literal. #}
{% macro model_version() %}{{ return("'" ~ local_md5(model.raw_code) ~ "'") }}{% endmacro %}
