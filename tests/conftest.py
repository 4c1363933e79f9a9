"""Which tests run in `make test`, and which of them share a worker.

Belongs here: the division between `make test` and `make check-rest`, and groups for pytest-xdist.
Does not belong here: fixtures of one folder.
"""

from __future__ import annotations

import gc
from functools import cache
from pathlib import PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Tests of `make check-rest`, by folder or module; single tests carry the mark `check` themselves.
# `make test` has unit tests, one warehouse build, one run from end to end, the sweep for planted
# identifiers, the leak check, reconciliation, a killed write and the walk through the web UI.
CHECK = (
    "tests/cloud",
    "tests/deid_benchmark",
    "tests/endtoend/sweep/test_searcher.py",
    "tests/endtoend/test_accepted_risk.py",
    "tests/endtoend/test_bad_input.py",
    "tests/endtoend/test_canary.py",
    "tests/endtoend/test_commands.py",
    "tests/endtoend/test_explore.py",
    "tests/endtoend/test_locate.py",
    "tests/endtoend/test_pseudonym.py",
    "tests/endtoend/test_purge.py",
    "tests/endtoend/test_purge_again.py",
    "tests/endtoend/test_repeat.py",
    "tests/endtoend/test_report.py",
    "tests/endtoend/test_rotate_key.py",
    "tests/endtoend/test_sample.py",
    "tests/endtoend/test_upgrade.py",
    "tests/extract/test_attacks.py",
    "tests/extract/test_pool.py",
    "tests/faults",
    "tests/headers/test_mutants_by_dcmdump.py",
    "tests/load",
    "tests/orchestration/test_dev.py",
    "tests/orchestration/test_event_storage.py",
    "tests/orchestration/test_jobs.py",
    "tests/packaging",
    "tests/speed_benchmark",
    "tests/warehouse/test_another_model.py",
    "tests/warehouse/test_changes.py",
    "tests/warehouse/test_clean_text.py",
    "tests/warehouse/test_incremental.py",
    "tests/warehouse/test_kept_values.py",
    "tests/warehouse/test_leak_findings.py",
    "tests/warehouse/test_leak_limits.py",
    "tests/warehouse/test_leaked_cells.py",
    "tests/warehouse/test_lock.py",
    "tests/warehouse/test_profiles.py",
    "tests/warehouse/test_sequence_attributes.py",
    "tests/warehouse/test_sequences_leak_check.py",
    "tests/warehouse/test_stale_memory.py",
    "tests/warehouse/test_study_versions.py",
    "tests/warehouse/test_uniqueness.py",
)
# Tests of such a folder use one session fixture that takes a minute: one worker has all of them.
# The longest groups first, so that no worker is left with one at the end.
GROUPS = ("tests/browser", "tests/endtoend/sweep", "tests/warehouse", "tests/endtoend")
# They build databases of their own, so any worker may have them.
APART = (
    "tests/warehouse/test_connection.py",
    "tests/warehouse/test_leak_check.py",
    "tests/warehouse/test_publish.py",
    "tests/warehouse/test_sequences.py",
)
ORDER = (GROUPS[0], *APART, *GROUPS[1:])


def group_of(nodeid: str) -> str:
    """Return the group of a test: tests of one group run in one worker, in order."""
    return group_of_module(nodeid.partition("::")[0])


@cache
def group_of_module(module: str) -> str:
    """Return the group of the tests of a module."""
    path = PurePosixPath(module)
    # tests that change what they build do not need the fixture of their folder
    if is_in_check(path) or str(path) in APART:
        return str(path)
    return next((part for part in GROUPS if path.is_relative_to(part)), str(path))


@cache
def is_in_check(path: PurePosixPath) -> bool:
    return any(path.is_relative_to(part) for part in CHECK)


def pytest_configure() -> None:
    # collection makes many objects that stay: with the default threshold, it takes a sixth longer
    gc.set_threshold(50_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `make check-rest`, and put the longest groups first."""
    order = {}
    for item in items:
        path = PurePosixPath(item.nodeid.partition("::")[0])
        if is_in_check(path) and not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.check)
        group = group_of(item.nodeid)
        order[item] = ORDER.index(group) if group in ORDER else len(ORDER)
    items.sort(key=order.__getitem__)


def pytest_collection_finish() -> None:
    # what was imported and collected stays, so no garbage collection needs to look at it
    gc.freeze()


class GroupScheduling(LoadScopeScheduling):
    """Gives each worker whole groups of tests.

    Not by `--dist loadgroup`: pytest-xdist 3.8 writes the group into an attribute that pytest 9.2
    no longer has, and silently runs every test on its own.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    return GroupScheduling(config, log)
