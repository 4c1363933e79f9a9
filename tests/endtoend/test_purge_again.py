"""Runs after a purge, and purges of studies, retained rows and unknown subjects."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from . import subjects
from .conftest import Site, files_read, summary
from .subjects import KEY, PERSON, PURGED_ID, REMAINING_ID, SHARED_STUDY, found_in


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Site with all subjects; tests work on copies of it."""
    site = Site(tmp_path_factory.mktemp("loaded") / "site")
    subjects.write(site.landing)
    site.run(DICOM_PSEUDONYM_KEY=KEY.hex())
    return site


def copy_of(loaded: Site, root: Path, **environment: str) -> Site:
    shutil.copytree(loaded.root, root, symlinks=True, dirs_exist_ok=True)
    site = Site(root)
    site.environment |= {"DICOM_PSEUDONYM_KEY": KEY.hex(), **environment}
    # the copy has a landing zone of its own, which the last scan must name
    scan = root / "raw" / "manifests" / "last_scan.json"
    scan.write_text(scan.read_text().replace(str(loaded.landing), str(site.landing)))
    return site


def receipts(site: Site) -> list[dict[str, Any]]:
    folder = site.root / "raw" / "purged" / "receipts"
    return [json.loads(path.read_text()) for path in sorted(folder.iterdir())]


def files_with_the_patient(site: Site) -> set[str]:
    tombstones = site.root / "raw" / "purged" / "subjects.jsonl"
    needles = [PURGED_ID.encode(), PERSON.encode()]
    found = found_in(site.root, needles, site.landing, tombstones)
    return set().union(*found.values())


def test_a_purged_subject_stays_purged_in_later_runs(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site")
    site.command("purge", "--patient-id", PURGED_ID, "--yes")
    before = site.content()
    assert "nothing to do" in site.command("status")
    subjects.write_one(site.landing, 99, PURGED_ID, "CLINIC B", "1.9.9", "20190101")
    assert files_read(site.run()) == 1  # the file is read once to determine the patient
    output = site.command("run", DICOM_PARTITION_BY="year")
    assert files_read(output) == 0
    counts = summary(output)
    assert [counts[name] for name in ("found", "loaded", "ignored", "purged")] == [13, 5, 8, 8]
    assert site.content() == before


@pytest.mark.slow  # four builds
def test_a_purged_subject_stays_purged_after_a_rotation_and_is_loaded_without_the_tombstone(
    loaded: Site, tmp_path: Path
) -> None:
    site = copy_of(loaded, tmp_path / "site")
    site.command("purge", "--patient-id", PURGED_ID, "--yes")
    del site.environment["DICOM_PSEUDONYM_KEY"]
    other = {"DICOM_PSEUDONYM_KEY": bytes(range(1, 60)).hex()}
    site.command("rotate-key", "--yes", **other)
    output = site.command("run", "--force", **other)
    assert files_read(output) == 5
    assert summary(output)["purged"] == 7
    assert len(site.content()["processed.processed_images"]) == 5
    assert files_with_the_patient(site) == set()

    (site.root / "raw" / "purged" / "subjects.jsonl").unlink()
    assert files_read(site.run(**other)) == 7
    assert len(site.content()["processed.processed_images"]) == 11


def test_a_study_is_purged_for_all_its_patients(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site")
    lines = f"study:{SHARED_STUDY}\nstudy: 1.9.5 \n{PURGED_ID}\tCLINIC A\n"
    site.command("purge", "--stdin", "--yes", stdin=lines)
    assert len(site.content()["processed.processed_studies"]) == 2
    assert len(site.content()["processed.processed_images"]) == 3
    [receipt] = receipts(site)
    kinds = [(subject["kind"], subject["files"]) for subject in receipt["subjects"]]
    assert kinds == [("study", 6), ("study", 1), ("patient", 2)]
    # both patients of the study have another study
    assert len(site.content()["processed.processed_patients"]) == 2
    assert receipt["removed"]["published"]["processed.processed_patients"] == 2


def test_retained_rows_of_deleted_files_are_purged(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site", DICOM_ON_DELETE="keep")
    for path in list(site.landing.iterdir()):
        shutil.rmtree(path)
    (site.landing / "the inbox is emptied.txt").write_text("")
    site.run()
    assert len(site.content()["processed.processed_images"]) == 11
    site.command("purge", "--patient-id", PURGED_ID, "--yes")
    assert len(site.content()["processed.processed_images"]) == 5
    assert files_with_the_patient(site) == set()
    [receipt] = receipts(site)
    assert receipt["files_left_in_the_landing_zone"] == 0
    assert files_read(site.run()) == 0
    assert len(site.content()["processed.processed_images"]) == 5


def test_a_purge_without_manifests_removes_only_the_rows_of_the_subject(
    loaded: Site, tmp_path: Path
) -> None:
    site = copy_of(loaded, tmp_path / "site", DICOM_ON_DELETE="keep")
    shutil.rmtree(site.root / "raw" / "manifests")
    site.command("purge", "--patient-id", PURGED_ID, "--yes")
    assert len(site.content()["processed.processed_images"]) == 5
    assert files_with_the_patient(site) == set()


def test_an_unknown_subject_can_be_purged_in_advance(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site")
    before = site.content()
    lines = "FUTURE-1\nFUTURE-2\tCLINIC\n"
    assert "2 of 2" in site.command("purge", "--stdin", "--yes", code=1, stdin=lines)
    site.command("purge", "--stdin", "--yes", "--in-advance", stdin=lines)
    [receipt] = receipts(site)
    assert receipt["removed"] == {}
    assert receipt["finished_at"]
    subjects.write_one(site.landing, 201, "FUTURE-1", "ANY", "1.9.20", "20120304")
    subjects.write_one(site.landing, 202, "FUTURE-2", "OTHER", "1.9.21", "20120304")
    subjects.write_one(site.landing, 203, "FUTURE-2", "CLINIC", "1.9.22", "20120304")
    output = site.run()
    assert summary(output)["purged"] == 2
    after = site.content()
    images = "processed.processed_images"
    assert len(after[images]) == len(before[images]) + 1


def test_the_next_purge_completes_a_killed_purge(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site")
    published = site.content()
    build = site.root / "warehouse" / "build.duckdb"
    process = site.start("purge", "--patient-id", PURGED_ID, "--yes")
    deadline = time.monotonic() + 120
    while build.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert site.content() == published  # the complete old tables
    assert {place.split("/")[0] for place in files_with_the_patient(site)} <= {"published"}
    [begun] = receipts(site)
    assert begun["finished_at"] is None
    assert "purge" in site.command("status", code=1)

    output = site.command("purge")  # no subject has to be named again
    [receipt] = receipts(site)
    assert receipt["finished_at"]
    assert receipt["removed"] == {**begun["removed"], **receipt["removed"]}
    assert receipt["removed"]["published"]["processed.processed_images"] == 6
    assert json.loads(output[output.index("{") : output.rindex("}") + 1]) == receipt
    assert len(site.content()["processed.processed_images"]) == 5
    assert files_with_the_patient(site) == set()
    assert "nothing to do" in site.command("status")


def test_a_run_completes_the_tables_of_a_killed_purge(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site")
    process = site.start("purge", "--patient-id", REMAINING_ID, "--yes")
    tombstones = site.root / "raw" / "purged" / "subjects.jsonl"
    deadline = time.monotonic() + 120
    while not tombstones.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert files_read(site.run()) == 0
    assert len(site.content()["processed.processed_images"]) == 7
    site.command("purge", "--patient-id", REMAINING_ID, "--yes")
    [receipt] = receipts(site)
    assert receipt["finished_at"]
    assert receipt["removed"]["raw"]["images"] == 4
