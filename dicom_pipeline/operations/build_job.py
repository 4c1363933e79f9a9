"""Interface of the job that operations run after they changed a zone: build, check and publish.

Belongs here: what operations need from the job.
Does not belong here: its implementation with Dagster (orchestration.command_job).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol


class BuildJob(Protocol):
    """``materialize_all_assets_job`` in this process."""

    @property
    def sources_digest(self) -> str:
        """Digest of the dbt project and of the environment variables it depends on."""
        ...

    def pending_partitions(self) -> Sequence[str]:
        """Return the partitions that a run would load."""
        ...

    def nothing_pending(self) -> bool:
        """Return whether Dagster has recorded every partition in its stored version."""
        ...

    def alerts(self) -> AbstractContextManager[None]:
        """Report problems to the webhook at the end of the block, with the block's own error."""
        ...

    def run(self, *, force: bool = False, debug: bool = False) -> bool:
        """Load, build, check and publish without a scan; return whether it succeeded."""
        ...

    def delete_old_runs(self) -> None:
        """Delete runs older than `Settings.run_retention_days`."""
        ...


OpenJob = Callable[[], AbstractContextManager[BuildJob]]
