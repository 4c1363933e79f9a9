"""A purge removes a subject from every zone and prevents loading it again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dicom_pipeline.cli.app import app
from tests.warehouse.oracle import Oracle

from . import subjects
from .conftest import Site
from .subjects import KEY, PERSON, PURGED_ID, REMAINING_ID, found_in

# three runs; tests/extract/test_tombstones.py tests the raw zone

ORACLE = Oracle(KEY)
IDENTIFIERS = [PURGED_ID.encode(), PERSON.encode(), PERSON.upper().encode(), b"CLINIC A"]
# pseudonyms of the patient in the tables
PSEUDONYMS = {
    "patient_key": ORACLE.patient_key(PURGED_ID),
    "patient_key of the issuer": ORACLE.patient_key(PURGED_ID, "CLINIC A"),
    "patient_id": ORACLE.id("PatientID", PURGED_ID),
    "study_key": ORACLE.key("study_key", "1.9.2"),
    "study_instance_uid": ORACLE.uid("1.9.3"),
    "series_instance_uid": ORACLE.uid("1.9.1.7"),
    "accession_number": ORACLE.id("AccessionNumber", "ACC-1.9.2"),
    "device_key": ORACLE.id("device_key", "14:ACME-6:SN-OWN"),
}


def key_environment() -> dict[str, str]:
    return {"DICOM_PSEUDONYM_KEY": KEY.hex()}


class Purged:
    """A site after the purge of a patient, and its state before it."""

    def __init__(self, root: Path) -> None:
        self.site = Site(root / "site")
        self.site.environment |= key_environment()
        subjects.write(self.site.landing)
        self.site.run()
        self.before = self.site.content()
        needles = [*IDENTIFIERS, *(value.encode() for value in PSEUDONYMS.values())]
        self.places_before = found_in(self.site.root, needles, self.site.landing)
        self.output = self.site.command("purge", "--stdin", "--yes", stdin=f" {PURGED_ID}\r\n\n")
        self.purged = self.site.root / "raw" / "purged"

    def receipt(self) -> dict[str, Any]:
        [path] = (self.purged / "receipts").iterdir()
        receipt: dict[str, Any] = json.loads(path.read_text())
        return receipt


@pytest.fixture(scope="module")
def purged(tmp_path_factory: pytest.TempPathFactory) -> Purged:
    """Purged site; the tests use it in order."""
    return Purged(tmp_path_factory.mktemp("purged"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Site that was loaded without the files of the patient."""
    site = Site(tmp_path_factory.mktemp("clean"))
    site.environment |= key_environment()
    subjects.write(site.landing)
    shutil.rmtree(site.landing / f"{PURGED_ID} {PERSON}")
    site.run()
    return site


def test_the_published_file_equals_that_of_a_run_without_the_patient(
    purged: Purged, clean: Site
) -> None:
    assert purged.before != clean.content()
    assert purged.site.content() == clean.content()


def test_only_the_tombstone_contains_the_patient(purged: Purged) -> None:
    """Search the raw zone, warehouse, published file, Dagster's storage and dbt's artifacts."""
    assert purged.places_before[PURGED_ID.encode()] > {"raw/manifests/study_period=2012-03.parquet"}
    assert purged.places_before[PERSON.encode()]
    tombstones = purged.purged / "subjects.jsonl"
    found = found_in(purged.site.root, IDENTIFIERS, purged.site.landing, tombstones)
    assert {name: places for name, places in found.items() if places} == {}
    of_dbt = found_in(purged.site.project / "dbt_snowflake", IDENTIFIERS)
    assert {name: places for name, places in of_dbt.items() if places} == {}
    assert json.loads(tombstones.read_text())["patient_id"] == PURGED_ID


@pytest.mark.parametrize("name", PSEUDONYMS)
def test_no_pseudonym_remains_in_the_pages_of_a_database(purged: Purged, name: str) -> None:
    needle = PSEUDONYMS[name].encode()
    assert purged.places_before[needle] >= {"warehouse/build.duckdb", "published/dicom.duckdb"}
    found = found_in(purged.site.root, [needle], purged.site.landing)
    assert found[needle] == set()


def test_the_terminal_and_the_receipt_contain_no_identifier(purged: Purged) -> None:
    text = json.dumps(purged.receipt())
    for identifier in IDENTIFIERS:
        assert identifier.decode() not in purged.output
        assert identifier.decode() not in text
    assert not any(pseudonym in purged.output for pseudonym in PSEUDONYMS.values())
    printed = purged.output[purged.output.index("{") : purged.output.rindex("}") + 1]
    assert json.loads(printed) == purged.receipt()
    assert "2 patients of different issuers" in purged.output


def test_the_receipt_counts_the_removed_rows_of_each_zone(purged: Purged) -> None:
    receipt = purged.receipt()
    files = 7  # six instances, one of them in two files
    [subject] = receipt["subjects"]
    assert (subject["kind"], subject["files"], subject["issuers"]) == ("patient", files, 2)
    assert subject["subject"] == ORACLE.id("purged", f"patient|{len(PURGED_ID)}:{PURGED_ID}|*")
    removed = receipt["removed"]
    assert removed["landing_manifests"] == {"files": files}
    assert {name: removed["raw"][name] for name in ("images", "patients", "studies", "series")} == {
        "images": files, "patients": 3, "studies": 3, "series": 3,
    }  # fmt: skip
    # one row per partition in which no other patient used the device
    assert removed["raw"]["devices"] == 2
    assert removed["stage"]["staged_images"] == removed["processed"]["processed_images"] == 6
    lost = {
        name: len(set(rows) - set(purged.site.content()[name]))
        for name, rows in purged.before.items()
    }
    for name in ("processed.processed_images", "processed.processed_patients"):
        assert removed["published"][name] == lost[name]
    # the device that only this patient used
    assert removed["published"]["processed.processed_devices"] == 1
    assert receipt["files_left_in_the_landing_zone"] == files
    assert receipt["finished_at"] >= receipt["began_at"]
    assert receipt["tool"].startswith("dicom_pipeline ")


def test_a_second_purge_changes_nothing_and_shows_the_receipt(purged: Purged) -> None:
    output = purged.site.command("purge", "--patient-id", PURGED_ID, "--yes")
    [receipt] = (purged.purged / "receipts").iterdir()
    assert "already" in output
    assert str(receipt) in output


@pytest.mark.parametrize(
    ("arguments", "code", "stdin"),
    [
        (["--patient-id", "NOBODY-1", "--yes"], 1, ""),
        (["--patient-id", REMAINING_ID, "--issuer", "NOBODY-1", "--yes"], 1, ""),
        (["--stdin", "--yes"], 1, f"{REMAINING_ID}\nNOBODY-1\n"),
        (["--stdin", "--yes"], 2, f"{REMAINING_ID}\n\nNOBODY-1\n"),
        (["--stdin", "--yes"], 2, "uid:NOBODY-1\n"),
        (["--stdin", "--yes"], 2, ""),
        (["--patient-id", " ", "--yes"], 2, ""),
        (["--patient-id", REMAINING_ID, "--issuer", "", "--yes"], 2, ""),
        (["--issuer", "NOBODY-1", "--yes"], 2, ""),
        (["--patient-id", REMAINING_ID, "--study-uid", "NOBODY-1", "--yes"], 2, ""),
        (["--patient-id", REMAINING_ID, "NOBODY-1", "--yes"], 2, ""),
        (["--patient-id", REMAINING_ID, "--NOBODY-1", "--yes"], 2, ""),
        (["--yes"], 2, ""),
        (["--patient-id", REMAINING_ID], 3, "y\n"),
    ],
)
def test_an_invalid_purge_changes_nothing_and_quotes_no_identifier(
    purged: Purged, arguments: list[str], code: int, stdin: str
) -> None:
    before = purged.site.content(), (purged.purged / "subjects.jsonl").read_bytes()
    result = CliRunner().invoke(
        app, ["purge", *arguments], input=stdin, env=purged.site.environment
    )
    assert result.exit_code == code
    errors = [line for line in result.output.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "NOBODY-1" not in result.output
    assert REMAINING_ID not in result.output
    after = purged.site.content(), (purged.purged / "subjects.jsonl").read_bytes()
    assert before == after


def test_help_explains_how_to_keep_identifiers_out_of_the_process_list(purged: Purged) -> None:
    text = " ".join(CliRunner().invoke(app, ["purge", "--help"]).output.split())
    assert "visible in the process list" in text
    assert "Exit code" in text
