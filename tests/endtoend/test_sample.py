"""The sample of `make run`, compared with the values that DCMTK reads."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dicom_pipeline.landing.sample import put_sample

from .conftest import Site, files_read, summary

pytestmark = pytest.mark.skipif(not shutil.which("dcmdump"), reason="dcmdump is not installed")

UIDS = {
    "sop_instance_uid": ("0008,0018", "processed.processed_images"),
    "series_instance_uid": ("0020,000e", "processed.processed_series"),
    "study_instance_uid": ("0020,000d", "processed.processed_studies"),
}

REQUIRED = [tag for tag, _ in UIDS.values()]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, str]:
    site = Site(tmp_path_factory.mktemp("sample"))
    site.landing.rmdir()
    put_sample(site.landing)
    return site, site.run()


def dcmdump(path: Path, *tags: str) -> dict[str, str]:
    """Return top-level values of a file by DCMTK; empty if DCMTK cannot read the file."""
    wanted = [argument for tag in tags for argument in ("+P", tag)]
    done = subprocess.run(
        ["dcmdump", "-q", "+L", "-s", *wanted, str(path)],
        capture_output=True,
        check=False,
    )
    found: dict[str, str] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        if match := re.match(r"\((....,....)\) \w\w \[(.*?)\]", line):
            found.setdefault(match[1], match[2].strip(" \0"))
    return found


def test_every_file_that_find_lists_is_counted_in_the_summary(loaded: tuple[Site, str]) -> None:
    site, output = loaded
    found = subprocess.run(
        ["find", str(site.landing), "!", "-type", "d"], capture_output=True, text=True, check=True
    )
    counts = summary(output)
    assert counts["found"] == len(found.stdout.splitlines())
    assert counts["found"] == sum(
        counts[name] for name in ("loaded", "duplicate", "rejected", "ignored", "pending")
    )
    assert counts["pending"] == 0
    assert files_read(output) == counts["found"]


@pytest.mark.parametrize("column", UIDS)
def test_distinct_uids_equal_those_that_dcmdump_finds(
    loaded: tuple[Site, str], column: str
) -> None:
    site, _ = loaded
    tag, table = UIDS[column]
    theirs = {
        values[tag]
        for path in site.landing.rglob("*")
        if path.is_file() and "DICOMDIR" not in path.name
        # a file without the UID of its instance, series or study is rejected
        and all((values := dcmdump(path, *REQUIRED)).get(uid) for uid in REQUIRED)
    }  # fmt: skip
    [(ours,)] = site.ask(f"select count(distinct {column}) from {table}")
    assert ours == len(theirs)


def test_patients_equal_those_that_dcmdump_finds(loaded: tuple[Site, str]) -> None:
    site, _ = loaded
    patients = set()
    for path in site.landing.rglob("*"):
        if not path.is_file() or "DICOMDIR" in path.name:
            continue
        values = dcmdump(path, *REQUIRED, "0010,0020", "0010,0021")
        if not all(values.get(uid) for uid in REQUIRED):
            continue
        if values.get("0010,0020"):
            patients.add(("id", values["0010,0020"], values.get("0010,0021") or None))
        else:  # without a Patient ID, each study counts as a patient
            patients.add(("study", values["0020,000d"], None))
    [(ours,)] = site.ask("select count(*) from processed.processed_patients")
    assert ours == len(patients)


def test_geometry_and_other_multi_valued_attributes_are_published(loaded: tuple[Site, str]) -> None:
    site, _ = loaded
    [(spacing, position, kind)] = site.ask(
        "select count(pixel_spacing), count(image_position_patient), count(image_type)"
        " from processed.processed_images"
    )
    assert spacing > 10
    assert position > 10
    assert kind > 50


def test_every_published_table_and_column_has_a_comment(loaded: tuple[Site, str]) -> None:
    site, _ = loaded
    assert not site.ask("select table_name from duckdb_tables() where comment is null")
    assert not site.ask(
        "select table_name, column_name from duckdb_columns() where comment is null"
        " and schema_name = 'processed'"
    )


def test_no_original_identifier_is_in_the_published_file(loaded: tuple[Site, str]) -> None:
    site, output = loaded
    content = site.database.read_bytes() + output.encode()
    for name in (b"CompressedSamples", b"1.3.6.1.4.1.5962", b"JFK IMAGING", b"4MR1", b"1CT1"):
        assert name not in content
