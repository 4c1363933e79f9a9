"""Rejected files are listed in their current state and read again on demand; counts stay right."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result
from pydicom.uid import generate_uid
from typer.testing import CliRunner

from dicom_pipeline.cli.app import app
from dicom_pipeline.common.private_files import Data, write_atomic
from dicom_pipeline.extract.raw_zone.rejected_files import rejected_files, retry_rejected
from dicom_pipeline.headers.reader import RejectReason
from dicom_pipeline.headers.structure.result import Fault
from tests.support.dicom import dataset, encoded
from tests.support.zone import Zone

GOOD = encoded(dataset(1, StudyDate="20120304"))
OTHER = encoded(dataset(2, StudyDate="20150607", StudyInstanceUID=generate_uid()))
MENDED = encoded(dataset(3, StudyDate="20150607", ImageComments="x" * 100))
# same length: if the modification time is equal too, no scan can distinguish the two
NAMELESS = next(
    data
    for length in range(100, 160, 2)
    if len(
        data := encoded(
            dataset(3, SOPInstanceUID=None, StudyDate="20150607", ImageComments="x" * length)
        )
    )
    == len(MENDED)
)
BAD = {
    "a/no header": RejectReason.NOT_DICOM,
    "a/empty": RejectReason.NOT_DICOM,
    "b/nameless.dcm": RejectReason.NO_SOP_INSTANCE_UID,
    "b/cut\nin two.dcm": RejectReason.TRUNCATED,
}


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    """Landing zone with three loaded files and four rejects in several partitions."""
    zone = Zone(tmp_path)
    zone.put("good.dcm", GOOD)
    zone.put("a/other.dcm", OTHER)
    zone.put("a/third.dcm", encoded(dataset(4, StudyDate="20120305")))
    zone.put("a/no header", b"x" * 500)
    zone.put("a/empty", b"")
    zone.put("b/nameless.dcm", NAMELESS)
    zone.put("b/cut\nin two.dcm", GOOD[:400])
    assert zone.load() == 7
    assert zone.rejects() == {name: str(reason) for name, reason in BAD.items()}
    return zone


def command(zone: Zone, *arguments: str, code: int = 0) -> Result:
    environment = {
        "DICOM_LANDING_URI": str(zone.landing),
        "DICOM_RAW_URI": str(zone.raw_dir),
        "DICOM_WAREHOUSE_DIR": str(zone.raw_dir.with_name("warehouse")),
        "DBT_DATABASE_NAME": str(zone.raw_dir.with_name("x.duckdb")),
    }
    result = CliRunner().invoke(app, ["rejects", *arguments], env=environment)
    assert result.exit_code == code, result.output
    return result


def test_rejected_files_are_listed_with_reasons_and_full_paths(zone: Zone) -> None:
    result = command(zone)
    rows = {row["path"]: row for row in csv.DictReader(io.StringIO(result.stdout))}
    assert {path: row["reason"] for path, row in rows.items()} == {
        str(zone.landing / name): reason for name, reason in BAD.items()
    }
    assert {row["outcome"] for row in rows.values()} == {"rejected"}
    assert result.stderr == "4 files\n"
    assert all(os.path.exists(path) for path in rows)


def test_a_malformed_file_is_listed_with_the_kind_of_its_fault(zone: Zone) -> None:
    element = GOOD.index(b"\x08\x00\x60\x00CS")  # Modality
    zone.put("b/odd.dcm", GOOD[: element + 6] + b"\x05\x00" + GOOD[element + 8 :])
    zone.load()
    rows = {row["path"]: row for row in csv.DictReader(io.StringIO(command(zone).stdout))}
    assert rows[str(zone.landing / "b/odd.dcm")]["reason"] == "malformed"
    assert rows[str(zone.landing / "b/odd.dcm")]["fault"] in set(Fault)
    assert {row["fault"] for path, row in rows.items() if "odd" not in path} == {""}


def test_rejected_files_of_an_older_extractor_are_listed_without_faults(zone: Zone) -> None:
    for path in zone.raw_dir.glob("rejected_files/*/*.parquet"):
        pq.write_table(pq.ParquetFile(path).read().drop_columns("fault"), path)
    rows = list(csv.DictReader(io.StringIO(command(zone).stdout)))
    assert len(rows) == len(BAD)
    assert {row["fault"] for row in rows} == {""}


def test_rejected_files_can_be_selected_by_reason(zone: Zone) -> None:
    listed = command(zone, "--reason", "not_dicom", "--format", "paths").stdout
    expected = [str(zone.landing / name) for name in ("a/empty", "a/no header")]
    assert listed.splitlines() == expected
    both = command(
        zone, "--reason", "not_dicom", "--reason", "truncated", "--format", "paths", "-0"
    )
    cut = str(zone.landing / "b/cut\nin two.dcm")
    assert both.stdout.split("\0") == [*expected, cut, ""]
    torn = command(zone, "--reason", "truncated", "--format", "paths")
    assert "--null" in torn.stderr
    assert command(zone, "--reason", "timeout", code=1).stderr == "0 files\n"
    assert command(zone, "--reason", "nonsense", code=2).stdout == ""


def test_a_deleted_or_changed_file_is_not_listed(zone: Zone) -> None:
    (zone.landing / "a/empty").unlink()
    zone.put("a/no header", OTHER)
    zone.scan()
    listed = {file.path for file in rejected_files(zone.step().partitions)}
    assert listed == {"b/nameless.dcm", "b/cut\nin two.dcm"}


@pytest.mark.parametrize("reasons", [(), (RejectReason.NOT_DICOM,), (RejectReason.TRUNCATED,)])
def test_files_marked_for_retry_are_pending_and_no_other_file_is_read(
    zone: Zone, reasons: tuple[RejectReason, ...]
) -> None:
    before = zone.bytes()
    chosen = [name for name, reason in BAD.items() if not reasons or reason in reasons]
    assert retry_rejected(zone.step().partitions, reasons) == len(chosen)
    counts = zone.reconcile()
    assert counts.balanced
    assert (counts.pending, counts.loaded) == (len(chosen), 3)
    assert counts.rejected.total() == 4 - len(chosen)
    assert counts.stale_partitions > 0
    assert sum(report.read for report in zone.refresh()) == len(chosen)
    assert zone.bytes() == before  # so no downstream step has work
    assert not zone.reconcile().pending


def test_a_file_repaired_with_unchanged_size_and_time_is_loaded_after_a_retry(zone: Zone) -> None:
    path = zone.landing / "b/nameless.dcm"
    stamp = path.stat().st_mtime_ns
    path.write_bytes(MENDED)
    os.utime(path, ns=(stamp, stamp))
    zone.load()
    assert "b/nameless.dcm" in zone.rejects()  # the scan cannot detect the repair
    command(zone, "--retry", "--reason", "no_sop_instance_uid")
    assert zone.load() == 1
    assert zone.images()["b/nameless.dcm"]["file_outcome"] == "loaded"
    assert zone.reconcile().balanced


def test_the_command_prints_the_number_of_files_and_no_list(zone: Zone) -> None:
    result = command(zone, "--retry", "--reason", "not_dicom")
    assert result.stdout == ""
    assert result.stderr == "2 files are pending again; next: dicom-pipeline run\n"
    assert command(zone, "--retry", "--reason", "not_dicom", code=1).stdout == ""
    assert command(zone, "--retry").stderr.startswith("2 files are pending")
    assert zone.reconcile().pending == 4
    assert zone.load() == 4
    assert len(zone.rejects()) == 4


class Killed(Exception):
    """Ends the process at this point, as `kill -9` would."""


@pytest.mark.parametrize("after", [0, 1, 3, 6, 8])
def test_a_killed_retry_loses_no_file(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    before = zone.bytes()
    written = 0

    def until_killed(path: Path, data: Data) -> None:
        nonlocal written
        if written >= after:
            raise Killed
        written += 1
        write_atomic(path, data)

    monkeypatch.setattr("dicom_pipeline.common.private_files.write_atomic", until_killed)
    with pytest.raises(Killed):
        retry_rejected(zone.step().partitions)
    monkeypatch.undo()
    counts = zone.reconcile()
    assert counts.balanced
    assert counts.lost == 0
    zone.refresh()
    assert zone.bytes() == before
    assert zone.reconcile().pending == 0


def test_an_incomplete_partition_is_left_to_the_next_run(zone: Zone) -> None:
    zone.raw.path("series", "2015-06").unlink()
    assert retry_rejected(zone.step().partitions) == 4
    assert zone.reconcile().balanced
    zone.refresh()
    assert len(zone.rejects()) == 4
