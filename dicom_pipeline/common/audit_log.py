"""The audit log: who used or changed patient data, when, and with what outcome.

Belongs here: writing and reading the log, and how long it is retained.
Does not belong here: which actions are recorded (cli.commands, warehouse.warehouse), output.
"""

from __future__ import annotations

import errno
import json
import os
import pwd
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dicom_pipeline.common.errors import EXIT_CONFIGURATION, ConfirmationRequired, UserError
from dicom_pipeline.common.private_files import FILE_MODE, ensure_private_directory

BEGUN = "begun"  # of an action without an end, so its process was killed or still runs
DONE = "done"
FAILED = "failed"
REFUSED = "refused"  # nothing was done: not confirmed, or a zone is missing


class AuditLogError(UserError):
    """The log cannot be written, so the action is not done."""

    exit_code = EXIT_CONFIGURATION


@dataclass(frozen=True)
class AuditEntry:
    """An action.

    Attributes
    ----------
    time
        Start in UTC, ISO 8601 with seconds.
    user
        User of the operating system, or ``uid`` and a number if it has no name.
    action
        Name of the command, ``publish`` or ``change-mapping``.
    outcome
        ``done``, ``failed``, ``refused`` or ``begun``.
    counts
        What was done, as numbers by name.
    """

    time: str
    user: str
    action: str
    outcome: str
    counts: dict[str, int]


class AuditLog:
    """Append-only log, a private file of JSON lines per month.

    Each action has two lines, one before and one after it, so that an action whose process was
    killed is in the log too. No line has an identifier of a patient or a path.

    Parameters
    ----------
    directory
        Directory of the files.
    retention_days
        Files whose month ended earlier are removed; 0 keeps all.
    """

    def __init__(self, directory: Path, retention_days: float) -> None:
        self._directory = directory
        self._retention_days = retention_days

    @contextmanager
    def record(self, action: str) -> Iterator[dict[str, int]]:
        """Record an action; put its counts into the dictionary.

        Raises
        ------
        AuditLogError
            The log cannot be written.
        """
        entry_id = secrets.token_hex(8)
        counts: dict[str, int] = {}
        self._append({"id": entry_id, "user": _user(), "action": action, "outcome": BEGUN})
        outcome = FAILED
        try:
            yield counts
            outcome = DONE
        except ConfirmationRequired:
            outcome = REFUSED
            raise
        finally:
            self._append({"id": entry_id, "outcome": outcome, "counts": counts})

    def entries(self) -> list[AuditEntry]:
        """Return all actions in the order of their start; incomplete lines are skipped."""
        begun: dict[str, dict[str, str]] = {}
        ends: dict[str, tuple[str, dict[str, int]]] = {}
        for path in sorted(self._directory.glob("*.jsonl")):
            for text in path.read_text("utf-8").splitlines():
                with suppress(ValueError, KeyError):
                    line = json.loads(text)
                    if line["outcome"] == BEGUN:
                        begun[line["id"]] = line
                    else:
                        ends[line["id"]] = line["outcome"], line["counts"]
        return [
            AuditEntry(line["time"], line["user"], line["action"], *ends.get(key, (BEGUN, {})))
            for key, line in begun.items()
        ]

    def _append(self, entry: dict[str, object]) -> None:
        now = datetime.now(UTC)
        # the line break is first, because a full disk may have cut off the end of the last line
        text = json.dumps({"time": now.isoformat(timespec="seconds"), **entry})
        line = f"\n{text}".encode()
        try:
            ensure_private_directory(self._directory)
            self._remove_old(now)
            # one write at the end of the file: lines of several processes do not mix
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            descriptor = os.open(self._directory / f"{now:%Y-%m}.jsonl", flags, FILE_MODE)
            try:
                if os.write(descriptor, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AuditLogError(
                f"the audit log in DICOM_WAREHOUSE_DIR cannot be written: {error.strerror}"
            ) from None

    def _remove_old(self, now: datetime) -> None:
        if not self._retention_days:
            return
        oldest = f"{now - timedelta(days=self._retention_days):%Y-%m}.jsonl"
        for path in self._directory.glob("*.jsonl"):
            if path.name < oldest:
                path.unlink(missing_ok=True)


def _user() -> str:
    """Return the user by the process's real user id; variables such as USER can be set freely."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
