"""Whole run over invalid and unusual files: each file gives a row or a rejected file."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from tests.support.dicom import dataset, encoded

from .conftest import Site, files_read, summary

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")


SECRETS = (b"Muster", "Änne".encode(), b"HOSP-4711", b"two patients", b"<script>")


def instance(number: int, study: int = 100, **attributes: Any) -> bytes:
    """Return an instance of a patient with conspicuous identifiers."""
    values = {
        "PatientID": "HOSP-4711",
        "StudyInstanceUID": f"1.9.{study}",
        "SeriesInstanceUID": f"1.9.{study}.1",
    }
    return encoded(dataset(number, **(values | attributes)))


def files() -> dict[bytes, bytes]:
    """Return names and contents; names are bytes, as in the file system."""
    good = instance(1)
    return {
        b"good.dcm": good,
        b"copy of good.dcm": good,
        b"not dicom.txt": b"this is not a DICOM file\n" * 40,
        b"random": os.urandom(5000),
        b"empty.dcm": b"",
        b"cut.dcm": good[: len(good) // 2],
        b"no preamble": encoded(dataset(2, PatientID="HOSP-4711"), preamble=False),
        b"with 'quotes' and \"more\".dcm": instance(3),
        b"new\nline; drop table x --.dcm": instance(4),
        b"not utf-8 \xff\xfe.dcm": instance(5),
        b"back\\slash.dcm": instance(6),
        b"/".join([b"deep"] * 40) + b"/file": instance(7),
        b".hidden": good,
        b"arriving.part": good[:1000],
        b"stars.dcm": instance(8, StudyDate="***", study=1),
        b"dots.dcm": instance(9, StudyDate="1994.11.05", study=2),
        b"1880.dcm": instance(10, StudyDate="18800101", study=3),
        b"9999.dcm": instance(11, StudyDate="99990101", study=4),
        b"undated.dcm": instance(12, StudyDate=None, study=5),
        b"no patient.dcm": instance(13, PatientID=None, study=6),
        b"no sop.dcm": instance(14, SOPInstanceUID=None),
        # one SOP Instance UID, two contents; the later one wins
        b"v1.dcm": instance(15, InstanceCreationDate="20120101", InstanceNumber="1"),
        b"v2.dcm": instance(15, InstanceCreationDate="20130101", InstanceNumber="2"),
        # one study of two patients
        b"two patients 1.dcm": instance(16, PatientID="B", study=7),
        b"two patients 2.dcm": instance(17, PatientID="C", study=7),
        # one series in two studies
        b"two studies 1.dcm": instance(18, study=8, SeriesInstanceUID="1.9.80"),
        b"two studies 2.dcm": instance(19, study=9, SeriesInstanceUID="1.9.80"),
        # values that are code in SQL, Jinja or HTML
        b"<script>.dcm": instance(20, PatientSex="M'; --", StudyDescription="{{ ref('x') }}"),
    }


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, str]:
    site = Site(tmp_path_factory.mktemp("bad"))
    for name, content in files().items():
        path = os.path.join(os.fsencode(site.landing), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    os.symlink(site.landing, site.landing / "loop")
    os.symlink(site.landing / "nowhere", site.landing / "broken")
    os.mkfifo(site.landing / "pipe")
    return site, site.run()


def test_the_run_succeeds_and_counts_every_name_that_find_lists(
    loaded: tuple[Site, str],
) -> None:
    site, output = loaded
    found = subprocess.run(
        ["find", str(site.landing), "!", "-type", "d", "-printf", "x"],
        capture_output=True,
        text=True,
        check=True,
    )
    counts = summary(output)
    assert counts["found"] == len(found.stdout) == len(files()) + 3
    assert counts["pending"] == 0
    assert counts["found"] == sum(
        counts[name] for name in ("loaded", "duplicate", "rejected", "ignored")
    )


def test_each_rejected_file_is_counted_under_its_reason(loaded: tuple[Site, str]) -> None:
    counts = summary(loaded[1])
    assert counts["duplicate"] == 1
    assert {name: counts[name] for name in ("not_dicom", "truncated", "no_sop_instance_uid")} == {
        "not_dicom": 3,
        "truncated": 1,
        "no_sop_instance_uid": 1,
    }
    assert counts["rejected"] == 5
    ignored = ("hidden_name", "temporary_name", "symlink", "broken_symlink", "not_a_regular_file")
    assert [counts[name] for name in ignored] == [1] * 5


def test_the_tables_report_conflicts_in_the_data(loaded: tuple[Site, str]) -> None:
    site, _ = loaded
    # two images are only in a lower version of their study: that of another patient, and the one
    # with a description that no other file has
    assert site.ask(
        "select instance_number, instance_versions from processed.processed_images"
        " where has_conflict order by all"
    ) == [(1, 1), (1, 1), (2, 2)]
    assert site.ask(
        "select patient_count from processed.processed_studies where patient_count > 1"
    ) == [(2,)]
    assert site.ask("select study_count from processed.processed_series where study_count > 1") == [
        (2,)
    ]
    # an invalid, impossible or missing date is null, not an error: stars, 9999, 1880, no date
    [(undated,)] = site.ask(
        "select count(*) from processed.processed_studies where study_date is null"
    )
    assert undated == 4
    [(nobody,)] = site.ask(
        "select count(*) from processed.processed_patients where patient_id is null"
    )
    assert nobody == 1


def test_a_second_run_has_nothing_to_do(loaded: tuple[Site, str]) -> None:
    site, _ = loaded
    before = site.content()
    assert files_read(site.run()) == 0
    assert site.content() == before


def test_no_value_or_name_of_a_file_leaves_the_raw_zone(loaded: tuple[Site, str]) -> None:
    site, output = loaded
    assert "Muster" not in output
    for zone in ("warehouse", "published", "dagster"):
        for folder, _, names in os.walk(site.root / zone):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                for secret in (
                    b"Muster",
                    "Änne".encode(),
                    b"HOSP-4711",
                    b"two patients",
                    b"<script>",
                ):
                    assert secret not in content, (zone, name, secret)
