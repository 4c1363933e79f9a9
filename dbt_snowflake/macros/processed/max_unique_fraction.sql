{# The share of patients that may be unique before the check warns: the setting DICOM_MAX_UNIQUE_FRACTION. #}
{% macro max_unique_fraction() %}
    {% set fraction = env_var('DICOM_MAX_UNIQUE_FRACTION', '0.09') %}
    {% if not modules.re.fullmatch('([0-9]+([.][0-9]*)?|[.][0-9]+)(e-?[0-9]+)?', fraction) or (fraction | float) > 1 %}
        {% do exceptions.raise_compiler_error("DICOM_MAX_UNIQUE_FRACTION is a number from 0 to 1") %}
    {% endif %}
    {{ return(fraction) }}
{% endmacro %}
