"""Malicious files in the whole extractor: limits of time and memory, and reject reasons."""

from __future__ import annotations

import errno
import json
import os
import resource
import socket
import stat
import subprocess
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.files import deflate as inflated
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import Header
from dicom_pipeline.headers.sequence_json import _number
from dicom_pipeline.headers.values import LONGEST_TEXT, MOST_TEXTS, text_of
from dicom_pipeline.landing.storage import Ignored, decode_path
from tests.headers import mutants
from tests.headers.fuzz import Bytes, attribute_paths, outcome
from tests.support import attacks
from tests.support.attacks import FILES, PAYLOADS, MiB
from tests.support.dicom import instance
from tests.support.zone import Zone

MAX_SECONDS_PER_FILE = 20
MAX_MEMORY_PER_FILE = 2_600  # MiB of a worker: its memory at start plus the memory for a file
ROW = "row"
OUTCOMES = {
    "4 GiB declared, text": "truncated",
    "4 GiB declared, private": "truncated",
    "4 GiB declared, sequence": "truncated",
    "4 GiB declared, character set": "truncated",
    "10,000 deep, undefined": "decode_error",
    "10,000 deep, unwanted": "decode_error",
    "10,000 deep, private": "decode_error",
    "500 deep": "decode_error",
    "200,000 deep, never closed": "truncated",
    "deflated, cut off": "truncated",
    "deflate bomb in the header": "decode_error",
    "deflate bomb of elements": "no_sop_instance_uid",
}


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path)


def outcomes(zone: Zone) -> dict[str, str]:
    return zone.rejects() | dict.fromkeys(zone.images(), ROW)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_attack_has_its_outcome_within_time_and_memory_and_affects_no_other_file(
    zone: Zone, capsys: pytest.CaptureFixture[str]
) -> None:
    zone.put("good", instance(1))
    lines = []
    names = {name: "".join(c if c.isalnum() else "_" for c in name) for name in FILES}
    for name, make in FILES.items():
        path = zone.put(names[name], make())
        began = time.monotonic()
        zone.load()
        seconds = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        lines.append(f"{name:45} {outcomes(zone)[names[name]]:20} {seconds:6.1f} s {peak:6} MiB")
        assert seconds < MAX_SECONDS_PER_FILE, lines[-1]
        assert peak < MAX_MEMORY_PER_FILE, lines[-1]
        counts = zone.reconcile()
        assert counts.balanced
        assert not counts.pending
        if path.stat().st_size > 50 * MiB:  # its row stays, the file is not needed any more
            path.unlink()
            zone.load()
    found = outcomes(zone)
    with capsys.disabled():
        print("", *lines, sep="\n")  # noqa: T201
    small = {n for n in FILES if names[n] in found}
    assert {n: found[names[n]] for n in small} == {n: OUTCOMES.get(n, ROW) for n in small}
    assert found["good"] == ROW


def test_a_deflate_bomb_uses_no_more_memory_than_the_limit_for_a_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inflated, "LARGEST_INFLATED", 4 * MiB)
    large = attacks.element(0x00190010, "OB", bytes(8 * MiB))
    for reader in (PydicomReader(attribute_paths()), FastReader(attribute_paths())):
        for data, expected in (
            (attacks.bomb(64 * MiB), None),  # pixel data, which is not read
            (attacks.bomb(64 * MiB, large), "decode_error"),
        ):
            tracemalloc.start()
            try:
                found = outcome(reader, data)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert (found == expected) if expected else isinstance(found, Header)
            assert (
                peak < 24 * MiB
            )  # the inflated bytes twice (the growing buffer and its copy), and a margin


def test_a_deflated_file_has_the_same_values_as_the_original_file() -> None:
    plain, packed = (instance(1, syntax) for syntax in ("explicit", "deflated"))
    one, other = (PydicomReader(attribute_paths()).read(Bytes(data)) for data in (plain, packed))
    assert one.values == other.values
    assert other.transfer_syntax_uid == DeflatedExplicitVRLittleEndian
    # data after the header may be corrupt, as in any other transfer syntax
    damaged = attacks.bomb(4 * MiB)
    damaged = damaged[: len(damaged) - 100] + b"\xff" * 100
    assert isinstance(outcome(PydicomReader(attribute_paths()), damaged), Header)


def test_a_disk_error_in_a_deflated_file_is_not_an_error_of_the_file() -> None:
    class Failing(Bytes):
        def read_at(self, offset: int, length: int) -> bytes:
            if offset + length > 40_000:  # beyond the first read
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read_at(offset, length)

    data = attacks.bomb(64 * MiB)
    assert len(data) > 40_000
    assert isinstance(outcome(PydicomReader(attribute_paths()), data), Header)
    with pytest.raises(OSError, match="Input/output error"):
        PydicomReader(attribute_paths()).read(Failing(data))


def test_a_long_run_of_digits_with_an_invalid_end_is_parsed_quickly() -> None:
    began = time.monotonic()
    for text in ("1" * MiB + "x", "+" + "1" * MiB + ".x", "1" * MiB + "." + "1" * MiB + "e"):
        assert _number(text) == json.dumps(text)
    assert time.monotonic() - began < 2
    for text, written in (
        ("1.", "1.0"),
        (".5", "0.5"),
        ("+1", "1.0"),
        ("1.50", "1.50"),
        ("1e3", "1e3"),
    ):
        assert _number(text) == written


@pytest.mark.parametrize(
    ("vr", "value", "is_read"),
    [
        ("LT", b"a" * LONGEST_TEXT, True),
        ("LT", b"a" * (LONGEST_TEXT + 2), False),
        ("LT", b"\\" * LONGEST_TEXT, True),  # in this VR a backslash is an ordinary character
        ("LO", b"\\".join([b"a"] * MOST_TEXTS), True),
        ("LO", b"\\".join([b"a"] * (MOST_TEXTS + 1)), False),
        ("DS", b"\\".join([b"1.5"] * 16_000), True),
        ("DS", b"\\".join([b"1.5"] * 17_000), False),
        ("FD", bytes(65_536), True),
    ],
)
def test_a_value_may_have_the_maximum_length_of_its_vr(
    vr: str, value: bytes, is_read: bool
) -> None:
    if is_read:
        assert text_of(vr, value, ["utf8"])
    else:
        with pytest.raises(ValueError, match="for a header"):
            text_of(vr, value, ["utf8"])


@pytest.mark.parametrize("reader", [PydicomReader, FastReader])
@pytest.mark.parametrize("name", ["text of 1 MiB", "name of 1 MiB", "a million values"])
def test_a_longer_value_is_counted_as_unreadable_and_the_other_values_are_read(
    name: str, reader: type[PydicomReader] | type[FastReader]
) -> None:
    header = reader(attribute_paths()).read(Bytes(FILES[name]()))
    assert header.unreadable_values == 1
    assert "1.2.3.666" in header.values


def names() -> Iterator[bytes]:
    """File names with unusual bytes."""
    for text in PAYLOADS.values():
        yield text.encode().replace(b"/", b"|").replace(b"\0", b"").replace(b"..", b"x.")
    yield b"n" * 255
    yield "名".encode() * 85
    yield b"\xff\xfe\x9b"
    yield b"-rf"
    yield b"\n"
    yield b"\\x41"
    yield "e\u0301".encode()
    yield "\u00e9".encode()


def test_files_with_any_name_are_found_and_other_directory_entries_are_skipped(zone: Zone) -> None:
    landing = os.fsencode(zone.landing)
    wanted = sorted(set(names()))
    for number, name in enumerate(wanted):
        with open(os.path.join(landing, name), "wb") as file:
            file.write(instance(number))
    os.mkfifo(zone.landing / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        folder = os.open(zone.landing, os.O_RDONLY)  # the path of a socket has at most 108 bytes
        listener.bind(f"/proc/self/fd/{folder}/socket")
        os.close(folder)
    special = {"pipe", "socket"}
    if os.geteuid() == 0:
        try:
            os.mknod(zone.landing / "device", stat.S_IFCHR | 0o600, os.makedev(1, 5))
            special.add("device")
        except OSError:
            pass  # root may not be allowed to do this, for example in a container
    deep = zone.landing / "deep"
    deep.mkdir()
    assert zone.load() == len(wanted)
    found = {os.fsencode(decode_path(path)) for path in zone.images()}
    assert found == set(wanted)
    counts = zone.reconcile()
    assert counts.balanced
    assert counts.ignored == {Ignored.SPECIAL: len(special)}
    assert zone.load() == 0


def test_a_tree_deeper_than_the_path_limit_is_reported_and_no_other_file_is_lost(
    zone: Zone,
) -> None:
    zone.put("good", instance(1))
    name = "d" * 200
    here = os.open(zone.landing, os.O_RDONLY)
    for _ in range(30):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    report = zone.scan()
    assert (report.new, report.errors) == (1, 1)
    list(zone.refresh())
    assert list(zone.images()) == ["good"]
    assert zone.reconcile().balanced
    subprocess.run(
        ["rm", "-rf", zone.landing / name], check=True
    )  # `rmtree` has the same limit of path length


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_replaced_by_a_link_after_the_scan_is_not_followed(
    zone: Zone, tmp_path: Path, what: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_bytes(instance(2, PatientID="SECRET"))
    zone.put("folder/a", instance(1))
    zone.scan()
    taken = zone.landing / "folder" / "a" if what == "file" else zone.landing / "folder"
    taken.rename(tmp_path / "aside")
    taken.symlink_to(outside / "a" if what == "file" else outside)
    list(zone.refresh())
    assert zone.rejects() == {"folder/a": "unreadable"}
    assert "SECRET" not in str(zone.content())
    # the next scan recognizes the link
    zone.scan(accept=True)
    list(zone.refresh())
    assert zone.reconcile().ignored == {Ignored.SYMLINK: 1}
    taken.unlink()
    (tmp_path / "aside").rename(taken)
    zone.load()
    assert zone.images()["folder/a"]["key_patient_id"] == "4711"


def test_links_to_outside_the_landing_zone_are_followed_if_allowed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_bytes(instance(2))
    zone = Zone(tmp_path, follow_symlinks=True)
    (zone.landing / "folder").symlink_to(outside)
    (zone.landing / "file").symlink_to(outside / "a")
    assert zone.load() == 2
    assert set(zone.images()) == {"folder/a", "file"}


@pytest.mark.slow
def test_each_mutated_file_has_one_outcome_within_the_limits(tmp_path: Path) -> None:
    found = mutants.run(10_000, tmp_path, seed=1_000_000)
    assert found.files == 10_000
    assert len(found.outcomes) > 6
