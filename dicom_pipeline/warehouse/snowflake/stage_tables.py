"""Tables and columns of stage that are sent to Snowflake: all others stay in the private zone.

Belongs here: the list. Does not belong here: sending them (load).
"""

from __future__ import annotations

from collections.abc import Mapping

from dicom_pipeline.mapping.attribute_mapping import ENTITIES, AttributeMapping

_VERSION = ("period_key", "stage_version")
_ROW = ("file_count", "row_key", *_VERSION)
# columns that are no attributes of the mapping; `pseudonym_key` has the id of the key, not the key
LOADED: Mapping[str, tuple[str, ...]] = {
    "pseudonym_key": ("key_id",),
    "staged_devices": ("device_key", *_ROW),
    "staged_images": (
        "image_key", "series_key", "study_key", "patient_key", "device_key", "instance_precedence",
        "study_version_key", "version_created", "version_file_time", "patients_row_key",
        "studies_row_key", "series_row_key", "devices_row_key", "transfer_syntax_uid",
        "recovered_elements", *_VERSION,
    ),
    "staged_patients": ("patient_key", "study_key", *_ROW),
    "staged_series": ("series_key", "study_key", "patient_key", "device_key", *_ROW),
    "staged_studies": ("study_key", "patient_key", *_ROW),
}  # fmt: skip
# columns that are never sent: nothing on Snowflake reads them
PRIVATE: Mapping[str, tuple[str, ...]] = {
    "staged_devices": ("failed_casts", "leaked_cells", "base_version"),
    "staged_images": ("failed_casts", "leaked_cells", "base_version", "header_key", "file_size"),
    "staged_patients": ("failed_casts", "leaked_cells", "base_version"),
    "staged_series": ("failed_casts", "leaked_cells", "base_version"),
    "staged_studies": ("failed_casts", "leaked_cells", "base_version"),
}


def loaded_columns(mapping: AttributeMapping) -> dict[str, frozenset[str]]:
    """Return the columns of each table that are sent: those listed, and those of the mapping."""
    columns = {table: set(names) for table, names in LOADED.items()}
    for entity in ENTITIES:
        columns[f"staged_{entity}"] |= {a.column for a in mapping.table(entity)}
    return {table: frozenset(names) for table, names in columns.items()}
