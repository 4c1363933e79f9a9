"""Landing zone with subjects to purge, and a search for them in all zones."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from tests.support.dicom import dataset, encoded

KEY = bytes(range(60, 92)) + b"\xfe\xdc"
PURGED_ID, REMAINING_ID = "WITHDRAWN-0815", "STAYS-4711"
PERSON = "Habermann"
SHARED_STUDY = "1.9.1"
# Patient ID, issuer, study, date, files
STUDIES = [
    (PURGED_ID, None, SHARED_STUDY, "20120304", 3),
    (PURGED_ID, "CLINIC A", "1.9.2", "20130304", 2),
    (PURGED_ID, None, "1.9.3", None, 1),
    (REMAINING_ID, None, SHARED_STUDY, "20120304", 2),
    (REMAINING_ID, None, "1.9.4", "20140304", 2),
    (None, None, "1.9.5", "20140304", 1),
]  # fmt: skip


def write(landing: Path) -> None:
    """Write the files; the folder of the purged patient contains the patient's name."""
    number = 0
    for patient_id, issuer, study, date, count in STUDIES:
        for _ in range(count):
            number += 1
            write_one(landing, number, patient_id, issuer, study, date)
    # a duplicate of the first file
    first = landing / f"{PURGED_ID} {PERSON}" / "1.dcm"
    (first.parent / "again.dcm").write_bytes(first.read_bytes())


def write_one(
    landing: Path, number: int, patient_id: str | None, issuer: str | None, study: str,
    date: str | None, **values: Any,
) -> Path:  # fmt: skip
    """Write one file."""
    mine = patient_id == PURGED_ID
    folder = landing / (f"{PURGED_ID} {PERSON}" if mine else str(patient_id))
    folder.mkdir(exist_ok=True)
    made = dataset(
        number,
        PatientID=patient_id,
        IssuerOfPatientID=issuer,
        PatientName=f"{PERSON}^Gerlinde" if mine else "Muster^Erika",
        StudyInstanceUID=study,
        SeriesInstanceUID=f"{study}.{7 if mine else 8}",
        StudyDate=date,
        DeviceSerialNumber="SN-OWN" if issuer else "SN-SHARED",
        AccessionNumber=f"ACC-{study}",
        **values,
    )
    path = folder / f"{number}.dcm"
    path.write_bytes(encoded(made))
    return path


def everything(root: Path, *without: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield path, name and content of all files; parquet and DuckDB also with their rows."""
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = Path(folder, name)
            if any(path == other or other in path.parents for other in without):
                continue
            data = path.read_bytes()
            if path.suffix == ".parquet":
                data += str(pq.ParquetFile(path).read().to_pydict()).encode()
            elif path.suffix == ".duckdb":
                data += "\n".join(database_texts(path)).encode()
            yield path, os.fsencode(path.relative_to(root)) + data


def database_texts(path: Path) -> Iterator[str]:
    """Yield all rows of all tables of a database as text."""
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where not internal"
        ).fetchall()
        for (table,) in tables:
            yield from (str(row) for row in connection.execute(f"from {table}").fetchall())


def found_in(root: Path, needles: Iterable[bytes], *without: Path) -> dict[bytes, set[str]]:
    """Return the files that contain each byte string."""
    found: dict[bytes, set[str]] = {needle: set() for needle in needles}
    for path, data in everything(root, *without):
        for needle, places in found.items():
            if needle in data:
                places.add(os.fspath(path.relative_to(root)))
    return found
