"""Studies whose files exist in several versions, and an independent choice between the versions."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from .archive import file
from .oracle import Oracle
from .raw_zone import File
from .sequence_files import item, sequence

DAY = 86_400
OLD, NEW = 1_600_000_000, 1_600_000_000 + 30 * DAY
# dates in three tables and in a sequence
VISIT = {
    "StudyDate": "20200115",
    "SeriesDate": "20200115",
    "AcquisitionDate": "20200115",
    **sequence("RequestAttributesSequence", item(ScheduledProcedureStepStartDate="20200115")),
}
Row = dict[str, Any]


@dataclass
class Chosen:
    """The file of an image, and what the tables have to say about it."""

    row: Row
    version_rank: int
    file_count: int

    @property
    def has_conflict(self) -> bool:
        return self.file_count > 1 or self.version_rank > 1


def raw_images(raw: Path) -> list[Row]:
    """Return the loaded files of a raw zone, each with its partition."""
    rows: list[Row] = []
    for path in sorted((raw / "images").glob("study_period=*/data.parquet")):
        period = path.parent.name.partition("=")[2]
        rows += [row | {"period": period} for row in pq.ParquetFile(path).read().to_pylist()]
    return [row for row in rows if row["file_outcome"] == "loaded"]


class StudyVersions:
    """The choice between the versions of all studies of a raw zone."""

    def __init__(self, oracle: Oracle, rows: list[Row]) -> None:
        self._oracle = oracle
        self.rows = rows
        files: dict[tuple[str, ...], dict[tuple[str, ...], list[Row]]] = {}
        for row in rows:
            group = files.setdefault((row["key_study"],), {})
            group.setdefault((row["patients_row"], row["studies_row"]), []).append(row)
        self.ranks = {
            study[0]: {v: rank for rank, v in enumerate(self._sorted(study[0], versions), 1)}
            for study, versions in files.items()
        }
        self.series: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in rows:
            self.series[series_of(row)].append(row)
        self.images = {sop: self._choose(found) for sop, found in self._by_instance().items()}

    def patient_of(self, study: str) -> str:
        """Return the patient key of the version with the first rank."""
        [first] = [version for version, rank in self.ranks[study].items() if rank == 1]
        return next(
            self.patient_key(row)
            for row in self.rows
            if row["key_study"] == study and (row["patients_row"], row["studies_row"]) == first
        )

    def patient_key(self, row: Row) -> str:
        if row["key_patient_id"] is None:
            study = row["key_study"]
            return self._oracle.id("patient_key", f"2{len(study)}:{study}")
        return self._oracle.patient_key(row["key_patient_id"], row["key_issuer_of_patient_id"])

    def _sorted(
        self, study: str, versions: dict[tuple[str, ...], list[Row]]
    ) -> list[tuple[str, ...]]:
        key = self._oracle.key("study_key", study)

        def order(version: tuple[str, ...]) -> tuple[Any, ...]:
            digest = self._oracle.id("study_version", "|".join((key, *version)))
            return (*latest(versions[version]), digest)

        return sorted(versions, key=order, reverse=True)

    def _by_instance(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            found[row["key_sop"]].append(row)
        return found

    def _rank(self, row: Row) -> int:
        return self.ranks[row["key_study"]][row["patients_row"], row["studies_row"]]

    def _choose(self, rows: list[Row]) -> Chosen:
        def in_study(row: Row) -> tuple[Any, ...]:
            return (
                -self._rank(row),
                _created(row),
                latest(self.series[series_of(row)]),
                self._oracle.id("row", row["series_row"]),
                _file_time(row),
                self._oracle.id("header", row["header_digest"]),
                self._oracle.id("study_period", row["period"]),
            )

        studies: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            studies[row["key_study"]].append(row)
        row = max(
            (max(found, key=in_study) for found in studies.values()),
            key=lambda row: (_created(row), self._oracle.key("study_key", row["key_study"])),
        )
        return Chosen(row, self._rank(row), len(rows))


def series_of(row: Row) -> tuple[str, ...]:
    """Return the version of the series that a file belongs to."""
    return (row["key_study"], row["patients_row"], row["studies_row"], row["series_row"])


def _created(row: Row) -> float:
    digits = (row["key_created"] or "").replace(".", "")
    if not digits:
        return -1
    moment = datetime.strptime(digits[:14], "%Y%m%d%H%M%S")
    return (moment - datetime(1900, 1, 1)).total_seconds() + float(f"0.{digits[14:] or 0}")


def _file_time(row: Row) -> int:
    return -1 if row["file_mtime_ns"] is None else row["file_mtime_ns"] // (2 * 10**9)


def latest(rows: list[Row]) -> tuple[float, int]:
    """Return the latest creation time in seconds and file time in steps; -1 if there is none."""
    return max(map(_created, rows)), max(map(_file_time, rows))


def version(study: str, numbers: Iterable[int], **attributes: str) -> list[File]:
    """Return images of a study of one series; the numbers are those of their UIDs."""
    digest = sha256(repr(sorted(attributes.items())).encode()).hexdigest()
    return [
        file(study, "1", n, path=f"/landing/{digest}/{study}.{n}.dcm", **VISIT | attributes)
        for n in numbers
    ]


def at(hours: float) -> File:
    """Return a creation time on the day of the studies."""
    seconds = round(hours * 3600)
    time = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
    return {"InstanceCreationDate": "20200115", "InstanceCreationTime": time}


# one study exported before and after a correction, with the same UIDs
TEMPORARY = {"PatientName": "Unknown^Emergency", "modified": str(OLD)}
CORRECTED = {"PatientName": "Invented^Anna", "modified": str(NEW)}
MERGED: dict[str, tuple[File, File]] = {
    "same creation": (
        TEMPORARY | at(10) | {"PatientID": "TEMP-99"},
        CORRECTED | at(10) | {"PatientID": "MERGE-1"},
    ),
    "no creation": (TEMPORARY | {"PatientID": "TEMP-98"}, CORRECTED | {"PatientID": "MERGE-2"}),
    "descriptions": (
        at(10) | {"PatientID": "MERGE-3", "SeriesDescription": "CT abdomen", "modified": str(OLD)},
        at(10) | {"PatientID": "MERGE-3", "SeriesDescription": "CT chest", "modified": str(NEW)},
    ),
    "later creation": (
        TEMPORARY | at(10) | {"PatientID": "TEMP-97", "modified": str(OLD)},
        TEMPORARY | at(18) | {"PatientID": "MERGE-4", "modified": str(OLD)},
    ),
    "description of the study": (
        at(10) | {"PatientID": "MERGE-5", "StudyDescription": "CT abdomen", "modified": str(OLD)},
        at(10) | {"PatientID": "MERGE-5", "StudyDescription": "CT chest", "modified": str(NEW)},
    ),
}
MERGED_STUDIES = {f"70.{n}": versions for n, versions in enumerate(MERGED.values(), 1)}


def merged_files() -> list[File]:
    """Return 12 images of each study, twice."""
    return [
        one
        for study, versions in MERGED_STUDIES.items()
        for attributes in versions
        for one in version(study, range(12), **attributes)
    ]


def random_files(seed: int, studies: int) -> dict[str, list[File]]:
    """Return studies in up to four versions of any images, in two partitions.

    Ties are frequent: there are few creation and file times, and both may be missing.
    """
    chance = random.Random(seed)
    partitions: dict[str, list[File]] = {"2020-01": [], "2020-02": []}
    for number in range(studies):
        study = f"80.{number}"
        for _ in range(chance.randint(1, 4)):
            patient = f"MRN-8{number}{chance.choice('AB')}"
            day = chance.choice(("20200115", "20200215"))
            attributes = {
                "PatientID": patient,
                "PatientName": f"{patient}^Someone",
                "PatientWeight": chance.choice(("70", "")),
                "StudyDate": day,
                "StudyDescription": chance.choice(("CT chest", "CT abdomen", "")),
                "SeriesDescription": chance.choice(("axial", "coronal")),
                "Modality": chance.choice(("CT", "MR", "")),
                "SoftwareVersions": chance.choice(("syngo 1", "")),
                "SeriesInstanceUID": f"1.2.840.{study}.{chance.choice('12')}",
            }
            for image in range(chance.randint(1, 5)):
                own = chance.choice(({}, at(10), at(chance.choice((10, 11)) + 0.5)))
                if chance.random() < 0.8:
                    own["modified"] = str(chance.choice((OLD, OLD + 1, NEW)))
                number_of_image = str(chance.randint(1, 6)) if chance.random() < 0.5 else str(image)
                number_of_file = str(sum(map(len, partitions.values())))
                own |= {"path": f"/landing/{number_of_file}.dcm", "WindowCenter": number_of_file}
                one = file(study, "1", number_of_image, **VISIT | attributes | own)
                partitions[f"{day[:4]}-{day[4:6]}"].append(one)
    return partitions
