"""What comes after a purge, and purges under all kinds of circumstances."""

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
from .subjects import KEY, PERSON, SHARED_STUDY, STAYS, WITHDRAWN, found_in

pytestmark = pytest.mark.check


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with all subjects; tests work on copies of it."""
    site = Site(tmp_path_factory.mktemp("loaded") / "site")
    subjects.write(site.landing)
    site.run(DICOM_PSEUDONYM_KEY=KEY.hex())
    return site


def copy_of(loaded: Site, root: Path, **environment: str) -> Site:
    shutil.copytree(loaded.root, root, symlinks=True, dirs_exist_ok=True)
    site = Site(root)
    site.environment |= {"DICOM_PSEUDONYM_KEY": KEY.hex(), **environment}
    return site


def receipts(site: Site) -> list[dict[str, Any]]:
    folder = site.root / "raw" / "purged" / "receipts"
    return [json.loads(path.read_text()) for path in sorted(folder.iterdir())]


def places_of_the_patient(site: Site) -> set[str]:
    tombstones = site.root / "raw" / "purged" / "subjects.jsonl"
    needles = [WITHDRAWN.encode(), PERSON.encode()]
    found = found_in(site.root, needles, site.landing, tombstones)
    return set().union(*found.values())


def test_whatever_comes_later_the_subject_stays_withdrawn(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site")
    site.command("purge", "--patient-id", WITHDRAWN, "--yes")
    before = site.content()
    assert "nothing to do" in site.command("status")
    subjects.write_one(site.landing, 99, WITHDRAWN, "CLINIC B", "1.9.9", "20190101")
    assert files_read(site.run()) == 1  # to see whose it is
    output = site.command("run", DICOM_PARTITION_BY="year")
    assert files_read(output) == 0
    counts = summary(output)
    assert [counts[name] for name in ("found", "loaded", "ignored", "purged")] == [13, 5, 8, 8]
    assert site.content() == before

    # the tombstone outlives the key, and reading everything again
    del site.environment["DICOM_PSEUDONYM_KEY"]
    other = {"DICOM_PSEUDONYM_KEY": bytes(range(1, 60)).hex()}
    site.command("rotate-key", "--yes", **other)
    output = site.command("run", "--force", **other)
    assert files_read(output) == 5
    assert summary(output)["purged"] == 8
    assert len(site.content()["processed.processed_images"]) == 5
    assert places_of_the_patient(site) == set()

    # and not its own removal
    (site.root / "raw" / "purged" / "subjects.jsonl").unlink()
    assert files_read(site.run(**other)) == 8
    assert len(site.content()["processed.processed_images"]) == 12


def test_a_study_is_withdrawn_whosever_it_is(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site")
    lines = f"study:{SHARED_STUDY}\nstudy: 1.9.5 \n{WITHDRAWN}\tCLINIC A\n"
    site.command("purge", "--stdin", "--yes", stdin=lines)
    assert len(site.content()["processed.processed_studies"]) == 2
    assert len(site.content()["processed.processed_images"]) == 3
    [receipt] = receipts(site)
    kinds = [(subject["kind"], subject["files"]) for subject in receipt["subjects"]]
    assert kinds == [("study", 6), ("study", 1), ("patient", 2)]
    # of the two patients of the study each has another one left
    assert len(site.content()["processed.processed_patients"]) == 2
    assert receipt["removed"]["published"]["processed.processed_patients"] == 2


def test_rows_that_outlive_their_files_go_too(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site", DICOM_ON_DELETE="keep")
    for path in list(site.landing.iterdir()):
        shutil.rmtree(path)
    (site.landing / "the inbox is emptied.txt").write_text("")
    site.run()
    assert len(site.content()["processed.processed_images"]) == 11
    site.command("purge", "--patient-id", WITHDRAWN, "--yes")
    assert len(site.content()["processed.processed_images"]) == 5
    assert places_of_the_patient(site) == set()
    [receipt] = receipts(site)
    assert receipt["files_left_in_the_landing_zone"] == 0
    assert files_read(site.run()) == 0
    assert len(site.content()["processed.processed_images"]) == 5


def test_rows_whose_manifests_are_lost_go_alone(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site", DICOM_ON_DELETE="keep")
    shutil.rmtree(site.root / "raw" / "manifests")
    site.command("purge", "--patient-id", WITHDRAWN, "--yes")
    assert len(site.content()["processed.processed_images"]) == 5
    assert places_of_the_patient(site) == set()


def test_a_subject_nobody_knows_yet_is_withdrawn_in_advance(loaded: Site, tmp_path: Path) -> None:
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


def test_a_purge_that_is_killed_is_completed_by_the_next_one(loaded: Site, tmp_path: Path) -> None:
    site = copy_of(loaded, tmp_path / "site")
    published = site.content()
    build = site.root / "warehouse" / "build.duckdb"
    process = site.start("purge", "--patient-id", WITHDRAWN, "--yes")
    deadline = time.monotonic() + 120
    while build.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert site.content() == published  # whole, and the old one
    assert {place.split("/")[0] for place in places_of_the_patient(site)} <= {"published"}
    [begun] = receipts(site)
    assert begun["finished_at"] is None
    assert "purge" in site.command("status", code=1)

    output = site.command("purge")  # nobody has to be named again
    [receipt] = receipts(site)
    assert receipt["finished_at"]
    assert receipt["removed"] == {**begun["removed"], **receipt["removed"]}
    assert receipt["removed"]["published"]["processed.processed_images"] == 6
    assert json.loads(output[output.index("{") : output.rindex("}") + 1]) == receipt
    assert len(site.content()["processed.processed_images"]) == 5
    assert places_of_the_patient(site) == set()
    assert "nothing to do" in site.command("status")


def test_a_run_completes_the_tables_of_a_purge_that_was_killed(
    loaded: Site, tmp_path: Path
) -> None:
    site = copy_of(loaded, tmp_path / "site")
    process = site.start("purge", "--patient-id", STAYS, "--yes")
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
    site.command("purge", "--patient-id", STAYS, "--yes")
    [receipt] = receipts(site)
    assert receipt["finished_at"]
    assert receipt["removed"]["raw"]["images"] == 4
