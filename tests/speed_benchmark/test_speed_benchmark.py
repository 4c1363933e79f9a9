"""Corpora, values of peers, and document of the speed benchmark."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pydicom
import pytest

from . import __main__ as command
from .corpus import Share, corpus, elements_of, shares_of, write
from .document import TARGETS, document, measured
from .readers import attribute_paths, canonical, differences
from .series import FEWEST_ELEMENTS, KINDS, MOST_ELEMENTS


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.dcm")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_different_ones(
    tmp_path: Path, kind: str
) -> None:
    shares = [Share(0, 3), Share(7, 2)]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write(tmp_path / name, kind, seed, shares, 1)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert set(digests(tmp_path / "a").values()).isdisjoint(digests(tmp_path / "c").values())


def test_a_small_corpus_is_the_beginning_of_a_large_one() -> None:
    small, large = list(shares_of("short", 1, 300)), list(shares_of("short", 1, 900))
    assert sum(share.count for share in small) == 300
    assert small[:-1] == large[: len(small) - 1]


@pytest.mark.parametrize("kind", KINDS)
def test_headers_are_valid_for_pydicom_and_have_the_expected_size(
    tmp_path: Path, kind: str
) -> None:
    names = write(tmp_path, kind, 5, [Share(number, 1) for number in range(80)], 1)
    syntaxes, uids = set(), set()
    for name in names:
        dataset = pydicom.dcmread(tmp_path / name)
        syntaxes.add(dataset.file_meta.TransferSyntaxUID)
        uids.add(dataset.SOPInstanceUID)
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        assert [*dataset.iterall()][-1].tag == 0x7FE00010  # all elements can be decoded
        assert [int(tag) for tag in dataset.keys()] == sorted(int(tag) for tag in dataset.keys())  # noqa: SIM118
        if kind == "realistic":
            elements = elements_of(str(tmp_path / name))["elements"]
            assert FEWEST_ELEMENTS <= elements <= MOST_ELEMENTS
    assert len(uids) == len(names)
    assert len(syntaxes) >= 3


def test_images_of_a_series_share_most_of_their_header(tmp_path: Path) -> None:
    first, second = (
        pydicom.dcmread(tmp_path / name)
        for name in write(tmp_path, "realistic", 5, [Share(0, 2)], 1)
    )
    different = [element.tag for element in first if second.get(element.tag) != element]
    assert 5 <= len(different) <= 20


def test_the_reader_section_is_measured_and_written(tmp_path: Path) -> None:
    out = tmp_path / "benchmarks.md"
    options = ["--only", "reader", "--files", "60", "--rounds", "1", "--no-peers", "--workers", "1"]
    options += ["--kinds", "realistic"]
    assert command.main([*options, "--work", str(tmp_path / "work"), "--out", str(out)]) == 0
    text = out.read_text()
    assert "### Realistic headers" in text
    assert "### The files that ship with pydicom" in text
    assert str(tmp_path) not in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| dicom_pipeline")]
    assert len(rows) == 3
    assert {row[-1] for row in rows} == {"0 |"}  # the values equal those of pydicom
    assert len(corpus(tmp_path / "work", "realistic", 60, 2024).names) == 60


def test_differences_from_pydicom_are_counted() -> None:
    vrs = [reading.vr for reading in attribute_paths()]
    expected: list[str | None] = ["1"] * len(vrs)
    assert differences([expected], [list(expected)])["differ"] == 0
    found = differences([expected, expected], [["2", *expected[1:]], [None, *expected[1:]]])
    assert found["differ"] == 2
    assert canonical("DS", "1.50 ") == canonical("DS", "1.50") != canonical("DS", "1.5")
    assert canonical("FD", "1.50") == canonical("FD", "1.5")
    assert canonical("SQ", '[{}, {"00080018": {}}]') == canonical("SQ", "2")
    assert canonical("LO", " ") is None


def test_a_missed_target_is_marked_in_the_document() -> None:
    def step(wall: float) -> dict[str, object]:
        return {"wall": wall, "cpu": 1, "peak": 1, "read": 0, "stages": {"a": wall}}

    runs = [{"files": 1000, "steps": {"first run": step(30), "0 new": step(16)}}]
    results = {
        "machine": {"CPU": "made up"},
        "pipeline": {"date": "", "load": "", "workers": 2, "runs": runs, "marginal": []},
        "latency": {"date": "", "load": "", "files": 1, "seconds": [20.0, 30.0]},
    }
    assert measured(results) == {"nothing": 16, "latency": 30}
    text = document(results)
    assert text.count("**missed**") == 1
    assert text.count("not measured") == len(TARGETS) - 2
