"""The load command with few files, and the detection of failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.load import bursts, verdict


@pytest.mark.slow  # four runs
def test_bursts_with_active_readers_lose_no_file_and_refuse_no_reader(tmp_path: Path) -> None:
    found = bursts.measure(
        tmp_path, files=900, bursts=2, changed=10, readers=1, workers=2, log=lambda _line: None
    )
    assert verdict.wrong_with_bursts(found) == []
    assert found["readers"]["answers"] > 20
    assert [run["read"] for run in found["runs"]] == [450, 450, 10, 0]
    assert "900 of 900" in verdict.of_bursts(found)


def sample(memory: int, runs: int) -> dict[str, Any]:
    processes = {"daemon": {"memory": memory << 20, "handles": 20}}
    return {"took": 30, "processes": processes, "places": {"raw zone": memory}, "runs": runs}


@pytest.mark.parametrize(
    ("last", "runs", "wrong"),
    [(200, 10, []), (320, 10, ["daemon: memory"]), (200, 30, ["runs that Dagster keeps"])],
)
def test_growth_per_hour_is_reported_except_growth_of_the_archive(
    last: int, runs: int, wrong: list[str]
) -> None:
    samples = [*(sample(200, 10) for _ in range(6)), sample(last, runs), sample(last, runs)]
    found = {"samples": samples, "images": 5, "expected": 5}
    assert [line.rpartition(": ")[0] for line in verdict.wrong_with_day(found)] == wrong
    assert verdict.wrong_with_day(found | {"images": 4})[-1] == "4 images of 5 files"
    assert "8 bursts" in verdict.of_day(found)


def test_errors_of_readers_and_files_that_were_not_read_are_reported() -> None:
    run = {"what": "burst 1", "read": 4, "expected": 5}
    found = {
        "trouble": {"IOException": 2}, "runs": [run], "images": 5, "expected": 5,
        "status": "nothing to do",
    }  # fmt: skip
    assert verdict.wrong_with_bursts(found) == [
        "readers: 2 x IOException",
        "burst 1: 4 files read, 5 came",
    ]
