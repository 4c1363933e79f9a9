"""Which tests run in `make test`, and which of them share a worker.

Belongs here: the division between `make test` and `make check-rest`, and groups for pytest-xdist.
Does not belong here: fixtures of one folder.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

# Tests of `make check-rest`, by folder or module; single tests carry the mark `check` themselves.
# `make test` has unit tests, one warehouse build, one run from end to end, the sweep for planted
# identifiers, the leak check, reconciliation, a killed write and the walk through the web UI.
CHECK = (
    "tests/cloud",
    "tests/deid_benchmark",
    "tests/endtoend/sweep/test_searcher.py",
    "tests/endtoend/test_bad_input.py",
    "tests/endtoend/test_canary.py",
    "tests/endtoend/test_commands.py",
    "tests/endtoend/test_explore.py",
    "tests/endtoend/test_locate.py",
    "tests/endtoend/test_pseudonym.py",
    "tests/endtoend/test_repeat.py",
    "tests/endtoend/test_report.py",
    "tests/endtoend/test_sample.py",
    "tests/extract/test_attacks.py",
    "tests/extract/test_pool.py",
    "tests/faults",
    "tests/load",
    "tests/orchestration/test_dev.py",
    "tests/orchestration/test_event_storage.py",
    "tests/orchestration/test_jobs.py",
    "tests/packaging",
    "tests/speed_benchmark",
    "tests/warehouse/test_another_model.py",
    "tests/warehouse/test_changes.py",
    "tests/warehouse/test_lock.py",
    "tests/warehouse/test_profiles.py",
)
# Tests of such a folder use one session fixture that takes a minute: one worker has all of them.
# The longest groups first, so that no worker is left with one at the end.
GROUPS = ("tests/browser", "tests/warehouse", "tests/endtoend/sweep", "tests/endtoend")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `make check-rest`, and give each test its group."""
    order = {}
    for item in items:
        path = PurePosixPath(item.nodeid.partition("::")[0])
        if any(path.is_relative_to(part) for part in CHECK) and not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.check)
        group = next((part for part in GROUPS if path.is_relative_to(part)), None)
        # tests that change what they build do not need the fixture of their folder
        if group is None or any(path.is_relative_to(part) for part in CHECK):
            group, place = str(path), len(GROUPS)
        else:
            place = GROUPS.index(group)
        item.add_marker(pytest.mark.xdist_group(group))
        order[item] = place
    items.sort(key=order.__getitem__)
