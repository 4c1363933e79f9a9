"""`locate`: the listed files are read with pydicom and compared with the tables."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pydicom
import pytest
from click.testing import Result
from typer.testing import CliRunner

from dicom_pipeline.cli.app import app
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from tests.support.dicom import dataset, encoded
from tests.warehouse.oracle import Oracle

from .conftest import EXPLORED_KEY, Site

ORACLE = Oracle(EXPLORED_KEY)


def locate(site: Site, *arguments: str, code: int = 0, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(app, ["locate", *arguments], input=stdin, env=site.environment)
    assert result.exit_code == code, result.output
    return result


def files(site: Site, query: str, *arguments: str) -> list[Path]:
    listed = locate(site, "--query", query, *arguments).stdout_bytes
    return [Path(os.fsdecode(line)) for line in listed.splitlines()]


def headers(site: Site) -> dict[Path, pydicom.Dataset]:
    """Return the headers of all files that contain an instance, by path."""
    found = {}
    for path in sorted(site.landing.rglob("*")):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        except (OSError, pydicom.errors.InvalidDicomError):
            continue
        if header.get("SOPInstanceUID") and header.file_meta.get("MediaStorageSOPClassUID") != (
            "1.2.840.10008.1.3.10"
        ):
            found[path] = header
    return found


@pytest.fixture(scope="module")
def by_instance(explored: Site) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path, header in headers(explored).items():
        # files without the UID of a study or series are rejected
        if header.get("StudyInstanceUID") and header.get("SeriesInstanceUID"):
            found[str(header.SOPInstanceUID)].append(path)
    return found


def test_every_image_is_located_as_one_of_its_files(
    explored: Site, by_instance: dict[str, list[Path]]
) -> None:
    result = locate(explored, "--query", "from processed.processed_images", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    images = [key for (key,) in explored.ask("select image_key from processed.processed_images")]
    assert sorted(row["image_key"] for row in rows) == sorted(images)
    for row in rows:
        header = pydicom.dcmread(row["path"], stop_before_pixels=True, force=True)
        uid = str(header.SOPInstanceUID)
        assert row["image_key"] == ORACLE.key("image_key", uid)
        assert row["series_key"] == ORACLE.key("series_key", str(header.SeriesInstanceUID))
        assert row["study_key"] == ORACLE.key("study_key", str(header.StudyInstanceUID))
    assert "original" not in result.stdout
    everything = files(explored, "from processed.processed_images", "--all-versions")
    instances = {path for paths in by_instance.values() for path in paths}
    # pydicom also reads a truncated file, which the pipeline rejects
    assert instances - set(everything) == {
        path for path in instances if path.name == "rtplan_truncated.dcm"
    }
    assert len(everything) == len(instances) - 1


def test_a_cohort_at_any_level_gives_the_files_that_pydicom_finds(explored: Site) -> None:
    chest = {
        path
        for path, header in headers(explored).items()
        if header.get("BodyPartExamined") == "CHEST"
        and header.get("Modality") == "CT"
        and float(header.get("SliceThickness") or 9) <= 1.5
    }
    assert len(chest) == 20
    where = (
        "from processed.series_geometry as g join processed.processed_series using (series_key)"
        " where g.modality = 'CT' and g.body_part_examined = 'CHEST' and g.slice_thickness <= 1.5"
    )
    assert set(files(explored, f"select series_key {where}")) == chest
    assert set(files(explored, f"select series_instance_uid {where}")) == chest
    assert set(files(explored, f"SELECT 1 as n, SERIES_KEY, g.patient_key {where};")) == chest
    patient = ORACLE.patient_key("second")
    theirs = {p for p, h in headers(explored).items() if h.get("PatientID") == "second"}
    assert set(files(explored, f"select '{patient}' as patient_key")) == theirs != set()
    study = ORACLE.uid("1.2.77.1")
    assert set(files(explored, f"select '{study}' as study_instance_uid")) == chest


def test_the_query_can_come_from_a_file_or_standard_input(explored: Site, tmp_path: Path) -> None:
    sql = f"select '{ORACLE.key('series_key', '1.2.77.5.1')}' as series_key -- 'ü'"
    (tmp_path / "cohort.sql").write_text(sql)
    listed = locate(explored, "--query-file", str(tmp_path / "cohort.sql")).stdout
    assert len(listed.splitlines()) == 5
    assert locate(explored, "--query-file", "-", stdin=sql).stdout == listed
    assert locate(explored, "--query", sql, "--null").stdout == listed.replace("\n", "\0")


def test_counts_go_to_standard_error_and_original_uids_are_optional(
    explored: Site,
) -> None:
    sql = f"select '{ORACLE.key('series_key', '1.2.77.6.1')}' as series_key"
    result = locate(explored, "--query", sql)
    assert result.stderr == "files: 7; images: 7; series: 1; studies: 1; patients: 1\n"
    result = locate(explored, "--query", sql, "--format", "csv", "--original-uids")
    for row in csv.DictReader(io.StringIO(result.stdout)):
        header = pydicom.dcmread(row["path"])
        assert row["original_sop_instance_uid"] == header.SOPInstanceUID
        assert row["original_series_instance_uid"] == "1.2.77.6.1"
        assert row["original_study_instance_uid"] == "1.2.77.6"
    locate(explored, "--query", sql, "--original-uids", code=2)


def test_a_query_without_matches_gives_an_empty_list(explored: Site) -> None:
    result = locate(explored, "--query", "select 'x' as image_key", code=1)
    assert result.stdout == ""
    assert "files: 0; images: 0;" in result.stderr
    result = locate(explored, "--query", "select null as study_key", code=1)
    assert result.stdout == ""


@pytest.mark.parametrize(
    "sql",
    [
        "selec",
        "select nothing from processed.processed_images",
        "select modality from processed.processed_series",
        "select image_key from processed.processed_images; select 1 as image_key",
        "copy (select 1 as image_key) to '{there}/out.csv'",
        "create table t as select 1 as image_key",
        "attach '{there}/other.duckdb'",
        "set enable_external_access = true",
        "install httpfs",
        "select content as image_key from read_text('{there}/SECRET.txt')",
        "select * from read_csv('{there}/SECRET.txt')",
        "select file as image_key from glob('{there}/*')",
        "from '{there}/SECRET.txt'",
        "select column0 as image_key from read_parquet('{raw}/images/*/data.parquet')",
        "select image_key from secret",
        "select [1] as image_key",
        "select cast(modality as integer) as image_key from processed.processed_series",
        "",
    ],
)
def test_invalid_sql_gives_a_one_line_error_and_accesses_nothing(
    explored: Site, tmp_path: Path, sql: str
) -> None:
    (tmp_path / "SECRET.txt").write_text("PHI")
    before = explored.database.read_bytes()
    sql = sql.format(there=tmp_path, raw=explored.root / "raw")
    result = locate(explored, "--query", sql, code=2)
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert "PHI" not in line
    assert os.listdir(tmp_path) == ["SECRET.txt"]
    assert explored.database.read_bytes() == before
    beside = [name for name in os.listdir(explored.database.parent) if "dicom.duckdb" not in name]
    assert not beside


def test_exactly_one_query_option_is_required(explored: Site, tmp_path: Path) -> None:
    locate(explored, code=2)
    locate(explored, "--query", "select 1", "--query-file", "-", code=2)
    locate(explored, "--query-file", str(tmp_path / "nowhere.sql"), code=2)


def test_another_key_and_a_missing_publication_are_errors(explored: Site, tmp_path: Path) -> None:
    other = Site(tmp_path)
    other.environment["DICOM_PSEUDONYM_KEY"] = bytes(range(1, 50)).hex()
    assert "nothing is published" in locate(other, "-q", "select 1", code=1).stderr
    other.database.parent.mkdir()
    shutil.copy(explored.database, other.database)
    assert "another key" in locate(other, "-q", "select 1", code=2).stderr


# SOP Instance UID and the differences of its versions; the last one is published
VERSIONS: dict[str, list[dict[str, Any]]] = {
    "9.1": [{"InstanceCreationDate": None}, {"InstanceCreationDate": "20100101"}],
    "9.2": [
        {"InstanceCreationDate": "20100101", "InstanceCreationTime": "101500"},
        {"InstanceCreationDate": "20100101", "InstanceCreationTime": "101500.000001"},
    ],
    "9.3": [
        {"InstanceCreationDate": "20101399"},
        {"InstanceCreationDate": "19000101"},
        {"InstanceCreationDate": "2010.01.01", "InstanceCreationTime": "10:15"},
        {"InstanceCreationDate": "20100101", "InstanceCreationTime": "1016"},
    ],
    "9.4": [
        {"InstanceCreationDate": "20100101", "SeriesInstanceUID": "1.2.9.4.1"},
        {"InstanceCreationDate": "20100102", "SeriesInstanceUID": "1.2.9.4.2"},
    ],
    "9.5": [{"InstanceCreationDate": "20250101", "InstanceCreationTime": "250000"},
            {"InstanceCreationDate": "18000101"}],
}  # fmt: skip


@pytest.mark.slow  # half a minute
def test_the_located_version_is_the_one_that_was_published(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.environment["DICOM_PSEUDONYM_KEY"] = EXPLORED_KEY.hex()
    heights: dict[str, int] = {}
    ties = {f"9.{n}": [{"WindowCenter": "1"}, {"WindowCenter": "2"}] for n in range(10, 30)}
    height = 1
    for uid, versions in (VERSIONS | ties).items():
        for number, values in enumerate(reversed(versions)):
            height += 1
            name = f"{uid} {number}.dcm"
            made = dataset(uid, Rows=height, **values)
            (site.landing / name).write_bytes(encoded(made))
            heights[name] = height
    # copies under other names, one with a line break and invalid UTF-8
    shutil.copy(site.landing / "9.1 0.dcm", site.landing / "a copy of 9.1 0.dcm")
    strange = os.path.join(os.fsencode(site.landing), b"9.6 \xff\\\n.dcm")
    Path(os.fsdecode(strange)).write_bytes(encoded(dataset("9.6", Rows=7)))
    site.run()

    query = "select * from processed.processed_images where instance_versions > 1"
    listed = files(site, query)
    published = site.ask('select sop_instance_uid, "rows" from processed.processed_images')
    expected = {uid: rows for uid, rows in published if uid != ORACLE.uid("1.2.3.9.6")}
    assert len(listed) == len(expected) == len(VERSIONS) + len(ties)
    for path in listed:
        header = pydicom.dcmread(path)
        assert expected[ORACLE.uid(header.SOPInstanceUID)] == header.Rows, path.name
        assert heights[path.name] == header.Rows
    for uid in VERSIONS:
        assert site.landing / f"{uid} 0.dcm" in listed

    assert len(files(site, query, "--all-versions")) == len(heights) + 1
    query = f"select '{ORACLE.uid('1.2.3.9.6')}' as sop_instance_uid"
    assert locate(site, "--null", "--query", query).stdout_bytes == strange + b"\0"
    torn = locate(site, "--query", query)
    assert "--null" in torn.stderr

    os.unlink(strange)
    site.command("scan", "--accept-deletions")
    shutil.rmtree(site.root / "raw" / "images" / "study_period=2012-03")
    gone = locate(site, "--query", "from processed.processed_images", code=1)
    assert "are no longer in the raw zone" in gone.stderr


# a study before and after a correction: attributes of both exports
CREATED = {"InstanceCreationDate": "20200115", "InstanceCreationTime": "101500"}
EXPORTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"PatientID": "TEMP-99"} | CREATED, {"PatientID": "MERGE-1"} | CREATED),
    ({"PatientID": "TEMP-98"}, {"PatientID": "MERGE-2"}),
    (
        {"PatientID": "MERGE-3", "SeriesDescription": "CT abdomen"} | CREATED,
        {"PatientID": "MERGE-3", "SeriesDescription": "CT chest"} | CREATED,
    ),
    (
        {"PatientID": "TEMP-97"} | CREATED,
        {"PatientID": "MERGE-4"} | CREATED | {"InstanceCreationTime": "181500"},
    ),
]


@pytest.mark.slow  # half a minute
def test_a_study_exported_before_and_after_a_correction_is_that_of_one_export(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    site.environment["DICOM_PSEUDONYM_KEY"] = EXPLORED_KEY.hex()
    for study, exports in enumerate(EXPORTS):
        for export, values in zip(("1_old", "2_corrected"), exports, strict=True):
            for number in range(12):
                made = dataset(
                    f"8.{study}.{number}",
                    StudyInstanceUID=f"1.2.8.{study}",
                    SeriesInstanceUID=f"1.2.8.{study}.1",
                    StudyDate="20200115",
                    **values,
                )
                path = site.landing / export / f"{study} {number}.dcm"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(encoded(made))
                modified = 1_600_000_000 + (30 * 86_400 if export == "2_corrected" else 0)
                os.utime(path, (modified, modified))
    site.run()
    listed = files(site, "from processed.processed_images")
    assert len(listed) == 12 * len(EXPORTS)
    assert {path.parent.name for path in listed} == {"2_corrected"}
    patients = {ORACLE.patient_key(corrected["PatientID"]) for _, corrected in EXPORTS}
    counts = site.ask(
        "select patient_key, study_count, series_count, image_count"
        " from processed.processed_patients"
    )
    assert sorted(counts) == sorted((patient, 1, 1, 12) for patient in patients)
    for table in ("images", "series", "studies"):
        found = site.ask(f"select patient_key, has_conflict from processed.processed_{table}")
        assert {patient for patient, _ in found} == patients
        if table == "images":
            assert all(has_conflict for _, has_conflict in found)
    conflicts = site.ask(
        "select patient_count, conflicting_attributes from processed.processed_studies"
    )
    assert sorted(conflicts) == [(1, []), *(3 * [(2, ["patient_id"])])]


def test_a_closed_output_pipe_is_not_an_error(explored: Site) -> None:
    query = "from processed.processed_images"
    process = subprocess.Popen(
        [sys.executable, "-m", "dicom_pipeline.cli", "locate", "--query", query],
        env=os.environ | explored.environment | {"PYTHONPATH": str(explored.project)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stderr
    process.stdout.close()  # before anything is written
    messages = process.stderr.read()
    assert process.wait(60) == 0, messages
    [line] = messages.splitlines()
    assert "images" in line


def test_the_audit_log_has_publications_and_located_files_but_no_path(explored: Site) -> None:
    query = "select image_key from processed.processed_images limit 3"
    path = locate(explored, "--query", query).stdout.splitlines()[0]
    rows = list(csv.DictReader(explored.command("audit", "--format", "csv").splitlines()))
    columns = len(load_mapping().attributes)
    images = explored.ask("select count(*) from processed.processed_images")[0][0]
    [change] = [row for row in rows if row["action"] == "change-mapping"]
    assert change["counts"] == f"added {columns}, removed 0, changed 0"
    [published] = [row for row in rows if row["action"] == "publish"]
    assert f"processed_images {images}" in published["counts"]
    assert rows[-1]["action"] == "locate"
    assert rows[-1]["counts"].startswith("files 3, patients ")
    assert {row["outcome"] for row in rows if row["action"] != "locate"} == {"done"}
    log = "".join(file.read_text() for file in (explored.root / "warehouse/audit").iterdir())
    assert Path(path).name not in log
    assert str(explored.landing) not in log
    refused = explored.command("locate", "--query", query, code=2, DICOM_AUDIT_RETENTION_DAYS="x")
    assert "DICOM_AUDIT_RETENTION_DAYS" in refused
