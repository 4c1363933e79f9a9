"""The form in which each code is kept, by a keyed hash of the raw value."""

from dicom_pipeline.deid.cleaning.leaked_values import find_kept_codes
from dicom_pipeline.warehouse.duckdb.model_input import (
    allowed_words,
    arrow_table,
    terms_by_attribute,
)


def model(dbt, session):
    dbt.config(materialized="table", schema="private")
    return find_kept_codes(
        arrow_table(dbt.ref("kept_values")),
        allowed_words(dbt.ref("allowed_words"), dbt.ref("allowed_words_site")),
        terms_by_attribute(dbt.ref("defined_terms")),
    )
