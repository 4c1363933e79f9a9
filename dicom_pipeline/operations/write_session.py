"""The write session: locks, error messages and recovery around every write to the zones.

Belongs here: the order of the locks, disk-error messages and recovery.
Does not belong here: the lock (common.locks), the lease of a bucket (landing.s3.lease), the data
that is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from dicom_pipeline.common.disk_errors import translate_disk_errors
from dicom_pipeline.common.locks import writer_lock
from dicom_pipeline.operations.recovery import recover_from_corruption
from dicom_pipeline.workspace import Workspace


class WriteSession:
    """Context manager factory: ``with write_session(): ...``."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @contextmanager
    def __call__(
        self,
        *,
        prepare: bool = False,
        wait: bool = True,
        waiting: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Hold the write lock; for a raw zone in a bucket also its lease, with an updated copy.

        Parameters
        ----------
        prepare
            Create the directories, the vault and the raw schemas first if they are missing.
        wait
            Wait for the lock; otherwise raise at once.
        waiting
            Called with a message every 30 s while waiting.

        Raises
        ------
        LockUnavailable
            ``wait`` is False and another process holds the lock.
        DiskError
            A disk is full, read-only or failing, or a private directory is accessible to other
            users; the message names the setting.
        CorruptionFound
            Parquet files of the raw zone (moved to quarantine) or the build database (removed)
            were corrupt.
        VaultError
            ``prepare``: the key is missing or is not the key of the existing tables.
        """
        workspace = self._workspace
        settings, mirror = workspace.settings, workspace.ingest.raw_mirror
        with (
            translate_disk_errors(settings.directories),
            writer_lock(settings.warehouse_dir, wait=wait, waiting=waiting),
            nullcontext() if mirror is None else mirror.held(wait=wait, waiting=waiting),
            recover_from_corruption(workspace.warehouse.build_database, workspace.ingest.raw),
        ):
            if prepare:
                workspace.warehouse.prepare()
            yield
