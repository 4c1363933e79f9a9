"""Versions of a study do not mix: files that agree on the patient and the study are used together.

The tests of this module are steps of one history, in order. The expected choice is that of
`study_versions`, from the rows of the raw zone.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dicom_pipeline.deid.keys import derive
from dicom_pipeline.deid.pseudonyms import Pseudonyms
from dicom_pipeline.warehouse.source_files import source_files

from .archive import PERIODS
from .conftest import KEY, Warehouse
from .oracle import Oracle
from .study_versions import (
    MERGED_STUDIES,
    NEW,
    OLD,
    Chosen,
    StudyVersions,
    at,
    latest,
    merged_files,
    random_files,
    raw_images,
    series_of,
    version,
)

ORACLE = Oracle(KEY)
RANDOM = random_files(7, 40)
KEYS = {
    "patients": "patient_key",
    "studies": "study_key",
    "series": "series_key",
    "devices": "device_key",
}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("versions"))
    warehouse.create()
    for period, files in (PERIODS | RANDOM | {"2020-03": merged_files()}).items():
        warehouse.raw.write(period, files)
    warehouse.build()
    return warehouse


def expected(warehouse: Warehouse) -> StudyVersions:
    return StudyVersions(ORACLE, raw_images(warehouse.raw.root))


def processed(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    return warehouse.rows(f"from processed.processed_{table}")


def study_of(warehouse: Warehouse, study: str) -> dict[str, Any]:
    key = ORACLE.key("study_key", f"1.2.840.{study}")
    [row] = warehouse.rows(f"from processed.processed_studies where study_key = '{key}'")
    return row


def images_of(warehouse: Warehouse, study: str) -> list[dict[str, Any]]:
    key = ORACLE.key("study_key", f"1.2.840.{study}")
    return warehouse.rows(f"from processed.processed_images where study_key = '{key}'")


def check_images(warehouse: Warehouse) -> None:
    """Compare every image with the file that the oracle chooses."""
    versions = expected(warehouse)
    found = {row["image_key"]: row for row in processed(warehouse, "images")}
    assert found.keys() == {ORACLE.key("image_key", sop) for sop in versions.images}
    for sop, image in versions.images.items():
        row, raw = found[ORACLE.key("image_key", sop)], image.row
        assert (row["patient_key"], row["study_key"], row["series_key"], row["period_key"]) == (
            versions.patient_key(raw),
            ORACLE.key("study_key", raw["key_study"]),
            ORACLE.key("series_key", raw["key_series"]),
            ORACLE.id("study_period", raw["period"]),
        ), sop
        values = (row["version_rank"], row["instance_versions"], row["has_conflict"])
        assert values == (image.version_rank, image.file_count, image.has_conflict), sop
        assert row["series_row_key"] == ORACLE.id("row", raw["series_row"])
        # the number of the file
        if str(raw["window_center"]).isdigit():
            assert row["window_center"] == [float(raw["window_center"])]


def check_counts(warehouse: Warehouse) -> None:
    """Compute every count from the images, and the patients from all files."""
    images = processed(warehouse, "images")
    modality = {row["series_key"]: row["modality"] for row in processed(warehouse, "series")}
    of_series = [{**row, "modality": modality[row["series_key"]]} for row in images]
    for table, key in KEYS.items():
        groups = defaultdict(list)
        for row in of_series:
            if row[key] is not None:
                groups[row[key]].append(row)
        rows = {row[key]: row for row in processed(warehouse, table)}
        assert rows.keys() == groups.keys(), table
        for name, row in rows.items():
            group = groups[name]
            assert row["image_count"] == len(group)
            for parent in ("series", "study"):
                if f"{parent}_count" in row:
                    distinct = {one[f"{parent}_key"] for one in group}
                    assert row[f"{parent}_count"] == len(distinct), table
            if "modalities" in row:
                assert row["modalities"] == sorted({one["modality"] for one in group} - {None})
            if "software_versions" in row:
                assert row["software_versions"] is not None
    versions = expected(warehouse)
    patients = defaultdict(set)
    for raw in versions.rows:
        patients[ORACLE.key("study_key", raw["key_study"])].add(versions.patient_key(raw))
    for row in processed(warehouse, "studies"):
        assert row["patient_count"] == len(patients[row["study_key"]])


def check_parents(warehouse: Warehouse) -> None:
    """Take the attributes of a study and a patient from the rows that the images refer to."""
    versions = expected(warehouse)
    rows = {table: raw_rows(warehouse, table) for table in ("studies", "patients")}
    of_study = defaultdict(list)
    for image in versions.images.values():
        of_study[image.row["key_study"]].append(image)
    found = {row["study_key"]: row for row in processed(warehouse, "studies")}
    for study, images in of_study.items():
        row = found[ORACLE.key("study_key", study)]
        top = min(image.version_rank for image in images)
        owners = {versions.patient_key(image.row) for image in images if image.version_rank == top}
        assert owners == {row["patient_key"]}, study
        assert row["patient_key"] == versions.patient_of(study)
        own = [one for one in images if versions.patient_key(one.row) == row["patient_key"]]
        used = ranked_rows(own, top, "studies")
        values = (rows["studies"][digest]["study_description"] for digest in used)
        described = next((value for value in values if value), None)
        assert row["study_description"] == described, study
        all_rows = {raw["studies_row"] for raw in versions.rows if raw["key_study"] == study}
        named = {rows["studies"][digest]["study_description"] for digest in all_rows} - {None}
        assert ("study_description" in row["conflicting_attributes"]) == (len(named) > 1)
        ids = {rows["studies"][digest]["patient_id"] for digest in all_rows} - {None}
        assert ("patient_id" in row["conflicting_attributes"]) == (len(ids) > 1)
        assert row["has_conflict"] == bool(row["conflicting_attributes"])


def ranked_rows(images: Iterable[Chosen], top: int, table: str) -> list[str]:
    """Return the rows that images refer to, the preferred one first."""
    groups = defaultdict(list)
    for image in images:
        groups[image.row[f"{table}_row"]].append(image)

    def preference(digest: str) -> tuple[bool, int, str]:
        group = groups[digest]
        is_top = any(image.version_rank == top for image in group)
        return is_top, len(group), ORACLE.id("row", digest)

    return sorted(groups, key=preference, reverse=True)


def raw_rows(warehouse: Warehouse, table: str) -> dict[str, dict[str, Any]]:
    paths = (warehouse.raw.root / table).glob("*/data.parquet")
    rows = [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]
    return {row["row_digest"]: row for row in rows}


def check_dates(warehouse: Warehouse) -> None:
    """The dates of a study are shifted by one patient, in all tables and in sequences."""
    versions = expected(warehouse)
    shifts = {
        ORACLE.key("study_key", study): timedelta(days=ORACLE.shift_days(patient))
        for study in versions.ranks
        for patient in [versions.patient_of(study)]
    }
    dates = {"studies": "study_date", "series": "series_date", "images": "acquisition_date"}
    for table, column in dates.items():
        digest = "header" if table == "images" else "row"
        truth = {
            ORACLE.id(digest, key): raw[column]
            for key, raw in (
                {raw["header_digest"]: raw for raw in versions.rows}
                if table == "images"
                else raw_rows(warehouse, table)
            ).items()
        }
        staged = warehouse.rows(f"from stage.staged_{table} where {column} is not null")
        assert len(staged) > 50
        for row in staged:
            true = truth[row[f"{digest}_key"]].replace(".", "")
            day = date(int(true[:4]), int(true[4:6]), int(true[6:]))
            assert row[column] == day - shifts[row["study_key"]]
    rows = warehouse.rows("from stage.staged_series where request_attributes_sequence is not null")
    assert len(rows) > 30
    for row in rows:
        [item] = json.loads(row["request_attributes_sequence"])
        [value] = item["00400002"]["Value"]
        assert value == (date(2020, 1, 15) - shifts[row["study_key"]]).strftime("%Y%m%d")


def check(warehouse: Warehouse) -> None:
    check_images(warehouse)
    check_counts(warehouse)
    check_parents(warehouse)
    check_dates(warehouse)


def test_each_image_is_of_the_highest_version_that_has_it(versions: Warehouse) -> None:
    chosen = expected(versions)
    assert len(chosen.rows) > 300
    assert {rank for ranks in chosen.ranks.values() for rank in ranks.values()} >= {1, 2, 3, 4}
    assert sum(image.version_rank > 1 for image in chosen.images.values()) > 20
    check_images(versions)


def test_every_count_can_be_computed_from_the_images(versions: Warehouse) -> None:
    check_counts(versions)


def test_studies_have_the_patient_and_the_values_of_their_first_version(
    versions: Warehouse,
) -> None:
    check_parents(versions)


def test_all_dates_of_a_study_are_shifted_by_one_patient(versions: Warehouse) -> None:
    check_dates(versions)


@pytest.mark.parametrize("study", MERGED_STUDIES)
def test_a_study_that_was_corrected_and_exported_again_has_one_version(
    versions: Warehouse, study: str
) -> None:
    _, corrected = MERGED_STUDIES[study]
    patient = ORACLE.patient_key(corrected["PatientID"], "CLINIC")
    images = images_of(versions, study)
    assert len(images) == 12
    assert {(one["patient_key"], one["has_conflict"]) for one in images} == {(patient, True)}
    assert len({one["series_row_key"] for one in images}) == 1
    row = study_of(versions, study)
    assert (row["patient_key"], row["image_count"], row["series_count"]) == (patient, 12, 1)
    assert row["study_description"] == corrected.get("StudyDescription")
    [series] = versions.rows(
        f"from processed.processed_series where study_key = '{row['study_key']}'"
    )
    assert (series["patient_key"], series["image_count"]) == (patient, 12)
    description = corrected.get("SeriesDescription")
    assert series["series_description"] == description
    is_of_study = "SeriesDescription" not in corrected
    assert (row["has_conflict"], series["has_conflict"]) == (is_of_study, not is_of_study)
    patients = {of["PatientID"] for of in MERGED_STUDIES[study]}
    assert row["patient_count"] == len(patients)


def test_no_patient_is_left_of_a_study_whose_patient_was_corrected(versions: Warehouse) -> None:
    of_studies = {row["patient_key"] for row in processed(versions, "patients")}
    for first, _ in MERGED_STUDIES.values():
        is_left = ORACLE.patient_key(first["PatientID"], "CLINIC") in of_studies
        assert is_left == (not first["PatientID"].startswith("TEMP"))


def test_each_located_file_is_that_of_the_published_row(versions: Warehouse) -> None:
    keys = "image_key, series_key, study_key, patient_key"
    rows = versions.rows(f"select {keys} from processed.processed_images")
    images = pa.Table.from_pylist(rows)
    found = source_files(
        images, versions.raw.root, versions.directory, Pseudonyms(derive(KEY.hex()))
    )
    paths = {row["image_key"]: row["file_path"] for row in found.to_pylist()}
    chosen = expected(versions).images
    assert len(found) == len(paths) == len(chosen)
    assert paths == {
        ORACLE.key("image_key", sop): image.row["file_path"] for sop, image in chosen.items()
    }


def test_times_that_leave_stage_are_shifted_by_a_secret_number_per_study(
    versions: Warehouse,
) -> None:
    chosen = expected(versions)
    groups = defaultdict(list)
    for raw in chosen.rows:
        groups[raw["period"], series_of(raw), raw["devices_row"]].append(raw)
    staged = {row["header_key"]: row for row in versions.rows("from stage.staged_images")}
    shifts = defaultdict(set)
    for group in groups.values():
        # the same for all files, so that it does not tell how they follow one another
        [hidden] = {
            (int(row["version_created"]), int(row["version_file_time"]))
            for row in (staged[ORACLE.id("header", raw["header_digest"])] for raw in group)
        }
        true = latest(group)
        for place, unit in enumerate((10**6, 1)):
            assert (true[place] == -1) == (hidden[place] == 0)
            if hidden[place]:
                shift = round(hidden[place] - true[place] * unit)
                shifts[place, group[0]["key_study"]].add(shift)
    assert all(len(of_study) == 1 for of_study in shifts.values())
    assert len({shift for [shift] in shifts.values()}) == len(shifts) > 60


@pytest.fixture(scope="module")
def history(versions: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A copy that the following tests change, one after the other."""
    root = tmp_path_factory.mktemp("history")
    shutil.copytree(versions.root, root, dirs_exist_ok=True)
    return Warehouse(root)


def rebuilt(warehouse: Warehouse) -> set[str]:
    """Return the partitions that were built since the last call; mark all rows of images."""
    periods = (*PERIODS, "2020-01", "2020-02", "2020-03", "2020-04", "2020-05")
    names = {ORACLE.id("study_period", period): period for period in periods}
    rows = warehouse.rows("select distinct period_key from stage.staged_images where file_size > 0")
    warehouse.execute("update stage.staged_images set file_size = -1")
    return {names[row["period_key"]] for row in rows}


def conflicts(warehouse: Warehouse, study: str) -> list[bool]:
    return sorted(one["has_conflict"] for one in images_of(warehouse, study))


LATER = {"modified": str(NEW + 1_000_000)}
PLAIN = {"PatientID": "MRN-90", "PatientName": "Ninety^Plain", "modified": str(OLD)}


def test_files_in_another_partition_change_the_choice_without_rebuilding_the_first(
    history: Warehouse,
) -> None:
    plain = [one for study in ("90", "91") for one in version(study, range(12), **PLAIN)]
    history.raw.write("2020-04", plain)
    history.build()
    check(history)
    rebuilt(history)
    assert conflicts(history, "90") == conflicts(history, "91") == 12 * [False]
    # 3 of 12 images are sent again, and an image is derived later
    again = version("90", range(3), **PLAIN | LATER | {"StudyDescription": "CT chest"})
    derived = version("91", [99], **PLAIN | at(20) | {"StudyDescription": "MPR"})
    history.raw.write("2020-05", again + derived)
    history.build()
    check(history)
    assert rebuilt(history) == {"2020-05"}
    assert conflicts(history, "90") == 12 * [True]
    assert conflicts(history, "91") == [False] + 12 * [True]
    assert study_of(history, "90")["study_description"] == "CT chest"


def test_another_patient_of_a_study_rebuilds_only_its_partitions(history: Warehouse) -> None:
    corrected = version("90", range(12), **PLAIN | LATER | {"PatientID": "MRN-92"})
    history.raw.write("2020-05", corrected)
    history.build()
    check(history)
    assert rebuilt(history) == {"2020-04", "2020-05"}
    assert study_of(history, "90")["patient_key"] == ORACLE.patient_key("MRN-92", "CLINIC")
    assert conflicts(history, "91") == 12 * [False]


def test_after_a_version_is_deleted_the_tables_are_those_of_a_full_build(
    history: Warehouse,
) -> None:
    history.raw.remove("2020-05")
    history.raw.write("2020-02", RANDOM["2020-01"][:40])
    history.build()
    check(history)
    assert {"2020-02", "2020-04"} <= rebuilt(history)
    assert conflicts(history, "90") == 12 * [False]
    step_by_step = without_marks(history)
    done = history.dbt("build", "--full-refresh")
    assert done.returncode == 0, done.stdout
    assert without_marks(history) == step_by_step


def without_marks(warehouse: Warehouse) -> dict[str, list[str]]:
    warehouse.execute("update stage.staged_images set file_size = -1")
    return warehouse.content()
