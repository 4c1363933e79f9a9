"""The true values of cells, in the raw zone.

Belongs here: SQL for the values of one raw column with their subjects and row keys.
Does not belong here: comparisons (dates, limits).
"""

from __future__ import annotations

from pathlib import Path

from dicom_pipeline.mapping.attribute_mapping import DEVICE_KEYS
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.leak_check.terms import keyed_id

DEVICES = "devices"


def raw_cells(raw_dir: Path, entity: str, column: str, subjects: str | None = None) -> str:
    """Return SQL for the cells of a raw column: ``subject`` and ``value``.

    The subject is the patient key; in the table of devices, a text of the columns that identify
    the device.

    Parameters
    ----------
    raw_dir
        The raw zone.
    entity, column
        Table of the mapping, and one of its columns.
    subjects
        A table with a column ``subject``. Given, the result has only cells of these patients, and
        a column ``row_key`` as in stage, whose keyed hashes are expensive.
    """
    domain, digest = ("header", "header_digest") if entity == "images" else ("row", "row_digest")
    row_key = f"{keyed_id(domain, digest)} as row_key, " if subjects else ""
    vault = " cross join vault.main.keys" if subjects else ""
    source = f"{sql.raw_table(raw_dir, entity)} as raw"
    value = f"raw.{sql.name(column)} as value"
    if entity == DEVICES:
        subject = f"[{', '.join(f'raw.{key}' for key in DEVICE_KEYS)}]::varchar"
        return f"select {row_key}{subject} as subject, {value} from {source}{vault}"
    return (
        f"select {row_key}patients.patient_key as subject, {value} from {source}"
        " inner join patient_keys as patients"
        " on coalesce(raw.key_patient_id, '') = patients.id"
        " and coalesce(raw.key_issuer_of_patient_id, '') = patients.issuer"
        f" and coalesce(raw.key_study, '') = patients.study{vault} where true"
        + (" and raw.file_outcome = 'loaded'" if entity == "images" else "")
        + (f" and patients.patient_key in (select subject from {subjects})" if subjects else "")
    )
