"""Cleaned texts and sequences, by patient, study and a keyed hash of the raw text."""

from dicom_pipeline.config.settings import Profile, worker_count
from dicom_pipeline.deid.cleaning.cleaned_texts import Rules, clean_texts
from dicom_pipeline.deid.keys import Secret
from dicom_pipeline.mapping.sequence_attributes import parse_sequence_attributes
from dicom_pipeline.warehouse.duckdb.model_input import (
    allowed_words,
    arrow_table,
    terms_by_attribute,
)


def model(dbt, session):
    dbt.config(
        materialized="incremental",
        schema="private",
        incremental_strategy="delete+insert",
        unique_key=["kind", "patient_key", "study_key", "text_key"],
    )
    profile = Profile(dbt.config.get("deid_profile"))
    attributes = arrow_table(dbt.ref("sequence_attributes"), "tag, keyword, research, strict")
    [key] = arrow_table(dbt.source("vault", "keys"), "key_id, ki, ko").to_pylist()
    rules = Rules(
        allowed_words=allowed_words(dbt.ref("allowed_words"), dbt.ref("allowed_words_site")),
        defined_terms=terms_by_attribute(dbt.ref("defined_terms")),
        sequence_attributes=parse_sequence_attributes(attributes.to_pylist(), profile),
        profile=profile,
        secret=Secret(**key),
    )
    known = session.table(str(dbt.this)) if dbt.is_incremental else None
    return clean_texts(
        arrow_table(dbt.ref("texts_to_clean")),
        arrow_table(dbt.ref("patient_terms")),
        None if known is None else arrow_table(known),
        rules,
        workers=worker_count(),
    )
