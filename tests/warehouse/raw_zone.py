"""Raw zone for tests: writes files, given as dictionaries, as the parquet tables of extraction."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract.computed_age import (
    BIRTH_DATE,
    DAYS_OF_STUDY,
    ComputedAge,
    age_attribute_paths,
)
from dicom_pipeline.mapping.date_rules import day_of, load_date_rules
from dicom_pipeline.mapping.identity_attributes import load_identity_attributes

PATIENT_KEYS = {
    "key_patient_id": "PatientID",
    "key_issuer_of_patient_id": "IssuerOfPatientID",
    "key_study": "StudyInstanceUID",
}
SERIES_KEYS = PATIENT_KEYS | {"key_series": "SeriesInstanceUID"}
DEVICE_KEYS = {
    "key_manufacturer": "Manufacturer",
    "key_manufacturer_model_name": "ManufacturerModelName",
    "key_device_serial_number": "DeviceSerialNumber",
    "key_station_name": "StationName",
    "key_institution_name": "InstitutionName",
}
KEYS = {
    "patients": PATIENT_KEYS,
    "studies": PATIENT_KEYS,
    "series": SERIES_KEYS | DEVICE_KEYS,
    "devices": DEVICE_KEYS,
    "images": SERIES_KEYS | {"key_sop": "SOPInstanceUID"} | DEVICE_KEYS,
    "identity_terms": PATIENT_KEYS,
}
IMAGE_TEXTS = [
    "key_created", "transfer_syntax_uid", "file_path", "file_etag", "file_outcome",
    "header_digest", "reader", "patients_row", "devices_row", "studies_row", "series_row",
    "identity_terms_row", "computed_age",
]  # fmt: skip
IMAGE_INTEGERS = ["file_size", "file_mtime_ns", "unreadable_values", "recovered_elements"]
AGE_DATES = (BIRTH_DATE, *DAYS_OF_STUDY)
AGES = ComputedAge({p: place for place, p in enumerate(age_attribute_paths())}, load_date_rules())

File = dict[str, str]


def mapping_lines(seed: Path) -> list[dict[str, str]]:
    with seed.open(newline="") as file:
        return list(csv.DictReader(file))


class RawZone:
    """Writer of raw partitions with the columns of a mapping seed."""

    def __init__(self, root: Path, seed: Path) -> None:
        self.root = root
        self.seed = seed

    def write(self, period: str, files: list[File]) -> None:
        """Write a partition.

        A file has attributes by keyword, `outcome` if it is not loaded, `implausible_dates`,
        `path`, and `modified`, the modification time in seconds.
        """
        version = _digest({"files": json.dumps(files, sort_keys=True)})
        for table in KEYS:
            self._write_table(table, period, files, version)

    def write_columns(self) -> None:
        """Write the partition without rows, which only defines the columns."""
        self.write("__none__", [])

    def remove(self, period: str) -> None:
        for table in KEYS:
            self._path(table, period).unlink()
            self._path(table, period).parent.rmdir()

    def _terms(self, files: list[File]) -> list[str]:
        """Return the terms of each file; attributes in sequences are named by their path."""
        identity = load_identity_attributes(self.seed.with_name("identity_attributes.csv"))
        names = [attribute.attribute for attribute in identity.attributes]
        terms = IdentityTerms(identity)
        return [terms.of([file.get(name) for name in names]) for file in files]

    def _path(self, table: str, period: str) -> Path:
        return self.root / table / f"study_period={period}" / "data.parquet"

    def _columns(self, table: str) -> dict[str, str]:
        """Return the attribute of each column that a file has a value of."""
        lines = [line for line in mapping_lines(self.seed) if line["table_name"] == table]
        return KEYS[table] | {line["column_name"]: line["attribute"] for line in lines}

    def _rows(self, table: str, files: list[File]) -> list[dict[str, object]]:
        """Return the values of each file in a table."""
        columns = self._columns(table)
        rows: list[dict[str, object]] = [
            {name: file.get(attribute) for name, attribute in columns.items()} for file in files
        ]
        if table == "identity_terms":
            terms = self._terms(files)
            return [row | {"terms": found} for row, found in zip(rows, terms, strict=True)]
        for row, file in zip(rows, files, strict=True):
            named = [c for c in file.get("implausible_dates", "").split(",") if c in columns]
            row["implausible_dates"] = ",".join(named) or None
        return rows

    def _write_table(self, table: str, period: str, files: list[File], version: str) -> None:
        texts = [*self._columns(table), "raw_version"]
        texts += IMAGE_TEXTS if table == "images" else ["row_digest"]
        texts.append("terms" if table == "identity_terms" else "implausible_dates")
        integers = IMAGE_INTEGERS if table == "images" else ["file_count"]
        rows = self._rows(table, files)
        if table == "images":
            rows = [row | _of_the_file(file) for row, file in zip(rows, files, strict=True)]
            for parent in KEYS:
                if parent != "images":
                    for row, of_parent in zip(rows, self._rows(parent, files), strict=True):
                        row[f"{parent}_row"] = _digest(of_parent)
        else:
            loaded = [
                tuple(row.items())
                for row, file in zip(rows, files, strict=True)
                if file.get("outcome") != "duplicate"
            ]
            rows = [
                dict(row) | {"file_count": count, "row_digest": _digest(dict(row))}
                for row, count in Counter(loaded).items()
            ]
        schema = pa.schema(
            [(name, pa.string()) for name in texts] + [(name, pa.int64()) for name in integers]
        )
        path = self._path(table, period)
        path.parent.mkdir(parents=True, exist_ok=True)
        table_rows = [row | {"raw_version": version} for row in rows]
        pq.write_table(pa.Table.from_pylist(table_rows, schema=schema), path)


def _of_the_file(file: File) -> dict[str, str | int | None]:
    created = file.get("InstanceCreationDate", "") + file.get("InstanceCreationTime", "")
    modified = int(float(file["modified"]) * 10**9) if "modified" in file else None
    return {
        "key_created": created or None,
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "file_path": file.get("path", f"/landing/{file['SOPInstanceUID']}.dcm"),
        "file_outcome": file.get("outcome", "loaded"),
        "header_digest": _digest({k: v for k, v in file.items() if k not in ("path", "modified")}),
        "file_size": 1000,
        "recovered_elements": 0,
        "file_mtime_ns": modified,
        "computed_age": AGES.of([file.get(name) for name in AGE_DATES], day_of(modified)),
    }


def _digest(values: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
