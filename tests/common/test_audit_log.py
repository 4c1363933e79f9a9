"""The audit log has each action with its outcome, also of processes that were killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import pwd
import resource
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dicom_pipeline.common.audit_log import AuditLog, AuditLogError
from dicom_pipeline.common.errors import ConfirmationRequired
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping, load_mapping
from dicom_pipeline.warehouse.mapping_changes import record_mapping_changes


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit", 2190)


def test_an_action_has_its_time_user_outcome_and_counts(log: AuditLog) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    with log.record("locate") as counts:
        counts["files"] = 3
    [entry] = log.entries()
    assert before <= datetime.fromisoformat(entry.time) <= datetime.now(UTC)
    assert entry.user == pwd.getpwuid(os.getuid()).pw_name
    assert (entry.action, entry.outcome, entry.counts) == ("locate", "done", {"files": 3})


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(ValueError("MRN-4711"), "failed"), (ConfirmationRequired("MRN-4711"), "refused")],
)
def test_a_failed_action_is_recorded_without_the_message_of_its_error(
    log: AuditLog, tmp_path: Path, error: Exception, outcome: str
) -> None:
    with pytest.raises(type(error)), log.record("purge") as counts:
        counts["subjects"] = 1
        raise error
    [entry] = log.entries()
    assert (entry.outcome, entry.counts) == (outcome, {"subjects": 1})
    assert "4711" not in "".join(path.read_text() for path in (tmp_path / "audit").iterdir())


def test_an_action_whose_process_was_killed_is_begun(log: AuditLog, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from dicom_pipeline.common.audit_log import AuditLog\n"
        "with AuditLog(Path(sys.argv[1]), 0).record('purge'):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "audit")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [(entry.action, entry.outcome) for entry in log.entries()] == [("purge", "begun")]


def test_an_incomplete_line_hides_no_other_action(log: AuditLog, tmp_path: Path) -> None:
    with log.record("locate"):
        pass
    [path] = (tmp_path / "audit").iterdir()
    path.write_text(path.read_text() + '\n{"time": "2026-01-0')
    with log.record("rejects"):
        pass
    assert [entry.action for entry in log.entries()] == ["locate", "rejects"]


def write_entries(directory: Path, number: int) -> None:
    for _ in range(50):
        with AuditLog(directory, 0).record(f"process {number}") as counts:
            counts["number"] = number


def test_entries_of_processes_do_not_mix(log: AuditLog, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_entries, args=(tmp_path / "audit", n)) for n in "123"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    entries = log.entries()
    assert len(entries) == 150
    assert all(entry.action == f"process {entry.counts['number']}" for entry in entries)


def test_only_the_owner_can_read_the_log(log: AuditLog, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with log.record("locate"):
            pass
    finally:
        os.umask(before)
    directory = tmp_path / "audit"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_months_before_the_retention_are_removed(tmp_path: Path) -> None:
    directory = tmp_path / "audit"
    directory.mkdir()
    now = datetime.now(UTC)
    kept, removed = (directory / f"{now - timedelta(days=d):%Y-%m}.jsonl" for d in (2190, 2230))
    for path in (kept, removed):
        path.write_text("")
    with AuditLog(directory, 2190).record("locate"):
        pass
    assert kept.exists()
    assert not removed.exists()
    removed.write_text("")
    with AuditLog(directory, 0).record("locate"):
        pass
    assert removed.exists()


def test_an_action_that_cannot_be_recorded_is_not_done(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file where the directory should be")
    done = []
    with (
        pytest.raises(AuditLogError, match="DICOM_WAREHOUSE_DIR") as error,
        AuditLog(tmp_path / "audit", 0).record("locate"),
    ):
        done.append("located")
    assert not done
    assert str(tmp_path) not in str(error.value)


def test_an_action_is_not_done_if_the_disk_is_full(log: AuditLog, tmp_path: Path) -> None:
    """A line that is cut off is no record."""
    with log.record("locate"):
        pass
    [path] = (tmp_path / "audit").iterdir()
    full = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, full[1]))
    done = []
    try:
        with pytest.raises(AuditLogError), log.record("rejects"):
            done.append("listed")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, full)
        signal.signal(signal.SIGXFSZ, handler)
    assert not done


def test_a_change_of_the_mapping_is_recorded_once_with_the_number_of_columns(
    log: AuditLog, tmp_path: Path
) -> None:
    mapping, stored = load_mapping(), tmp_path / "rules.json"
    record_mapping_changes(log, mapping, stored)
    record_mapping_changes(log, mapping, stored)
    first, *others = mapping.attributes
    other = AttributeMapping((*others[1:], replace(first, research="remove")))
    record_mapping_changes(log, other, stored)
    assert [entry.counts for entry in log.entries()] == [
        {"added": len(mapping.attributes), "removed": 0, "changed": 0},
        {"added": 0, "removed": 1, "changed": 1},
    ]
    assert json.loads(stored.read_text())[f"{first.table}.{first.column}"][2] == "remove"
