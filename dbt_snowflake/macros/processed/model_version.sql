{# Names the code of the model that is being built, as a text literal. #}
{% macro model_version() %}{{ return("'" ~ local_md5(model.raw_code) ~ "'") }}{% endmacro %}
