"""Kept values that identify somebody, by their owner and a keyed hash of the raw value."""

from dicom_pipeline.deid.cleaning.leaked_values import find_leaked_values
from dicom_pipeline.warehouse.duckdb.model_input import (
    allowed_words,
    arrow_table,
    terms_by_attribute,
)


def model(dbt, session):
    dbt.config(materialized="table", schema="private")
    return find_leaked_values(
        arrow_table(dbt.ref("kept_values")),
        arrow_table(dbt.ref("patient_terms"), "patient_key, terms"),
        arrow_table(dbt.ref("device_patients")),
        allowed_words(dbt.ref("allowed_words"), dbt.ref("allowed_words_site")),
        terms_by_attribute(dbt.ref("defined_terms")),
    )
