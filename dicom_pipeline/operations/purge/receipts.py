"""Receipts of purges: what was removed, in counts and without identifiers.

Belongs here: storing and finding receipts in the raw zone.
Does not belong here: the content of a receipt (procedure).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dicom_pipeline.common.private_files import LOCAL_WRITER, Writer, ensure_private_directory
from dicom_pipeline.workspace import Workspace

Receipt = dict[str, Any]


class Receipts:
    """The receipts of a raw zone: ``<raw>/purged/receipts/*.json``.

    A receipt without ``finished_at`` belongs to a purge that was interrupted or is running.
    """

    def __init__(self, raw_dir: Path, writer: Writer = LOCAL_WRITER) -> None:
        self._writer = writer
        self.directory = raw_dir / "purged" / "receipts"

    def path(self, name: str) -> Path:
        """Return the path of a receipt."""
        return self.directory / name

    def unfinished(self) -> dict[str, Receipt]:
        """Return the receipts of purges that have not finished, by name."""
        found = {path.name: json.loads(path.read_text()) for path in self.directory.glob("*.json")}
        return {name: r for name, r in sorted(found.items()) if r["finished_at"] is None}

    def write(self, name: str, receipt: Receipt) -> None:
        """Write a receipt."""
        ensure_private_directory(self.directory.parent)
        self._writer.write(self.path(name), (json.dumps(receipt, indent=2) + "\n").encode())

    def drop(self, name: str) -> None:
        """Remove a receipt."""
        self._writer.remove(self.path(name))


def receipts_of(workspace: Workspace) -> Receipts:
    """Return the receipts of the raw zone."""
    return Receipts(workspace.settings.raw_dir, workspace.ingest.raw_writer)
