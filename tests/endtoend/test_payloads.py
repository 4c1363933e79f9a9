"""Injection payloads in every value and in file names are treated as text.

They reach SQL, dbt, Dagster's storage, the report, the terminal and the file lists.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import resource
import struct
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from string import ascii_lowercase

import pytest

from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract.tables import ChunkTables
from dicom_pipeline.headers.values import LONGEST_TEXT
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.mapping.date_rules import load_date_rules
from dicom_pipeline.mapping.identity_attributes import load_identity_attributes
from tests.support import attacks
from tests.support.attacks import PAYLOADS

from . import subjects
from .conftest import Site, files_read, summary

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MARKER = "zqx"  # in no language and in no word list
_ACTIVE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# payloads as manufacturers: these are kept and therefore appear in the report
MAKERS = ("$CT$", "=CT+MR", "<b>CT</b>", "[CT](CT:CT)", "CT | MR", "$$", "\x1b]8;;CT\x07CT")


TABLES = ChunkTables(load_mapping(), IdentityTerms(load_identity_attributes()), load_date_rules())
PERSON, REST, ALL = "person", "rest", "all"
# with more patients, the leak check would take the codes for a wrong rule and stop publication
IN_ALL = ("sql", "formula", "null")


def hostile(number: int, text: str, where: str) -> bytes:
    """Return an instance with a payload in identifying, in other, or in all text attributes."""
    elements = {0x00080005: attacks.element(0x00080005, "CS", b"ISO_IR 192")}
    identifying = set(TABLES.terms.attribute_paths)
    for attribute_path in TABLES.attribute_paths:
        if where != ALL and (attribute_path in identifying) != (where == PERSON):
            continue
        tag, vr = attribute_path.first_tag, "SQ" if attribute_path.steps else attribute_path.vr
        if vr in ("US", "SS", "US or SS", "UL", "SL", "FD", "FL", "AT") or tag == 0x00080005:
            continue
        value = text.encode()
        if vr == "SQ":
            code = b"".join(
                attacks.element(inner, inner_vr, value)
                for inner, inner_vr in ((0x00080100, "SH"), (0x00080102, "SH"), (0x00080104, "LO"))
            )
            value = attacks.ITEM + struct.pack("<L", len(code)) + code
        elements[tag] = attacks.element(tag, vr, value)
    for tag, uid in ((0x00080018, "sop"), (0x0020000D, "study"), (0x0020000E, "series")):
        elements[tag] = attacks.element(tag, "UI", f"{text}{uid}{number}{where}".encode())
    if where == REST:
        elements[0x00100020] = attacks.element(0x00100020, "LO", b"R-1")  # one patient: see IN_ALL
    return attacks.whole(elements)


def name_of(number: int, text: str) -> bytes:
    """Return a payload as a valid file name."""
    return f"{number:02} {text}".encode().replace(b"/", b"|").replace(b"\0", b"")[:255]


def made(maker: str, number: int) -> bytes:
    """Return a valid instance with a manufacturer."""
    extra = {
        0x00080018: attacks.element(0x00080018, "UI", f"1.2.3.{number}".encode()),
        0x00080070: attacks.element(0x00080070, "LO", maker.encode()),
        0x00081090: attacks.element(0x00081090, "LO", maker.encode()),
        0x00181000: attacks.element(0x00181000, "LO", f"SN{number}".encode()),
        0x00081030: attacks.element(0x00081030, "LO", maker.encode()),
    }
    return attacks.whole(extra)


def long(number: int, **texts: str) -> bytes:
    """Return an instance with texts of at most LONGEST_TEXT bytes, by hexadecimal tag."""
    values = {int(tag[1:], 16): text for tag, text in texts.items()}
    elements = {
        tag: attacks.element(tag, "UT", text.encode()[:LONGEST_TEXT])
        for tag, text in values.items()
    }
    elements[0x00080018] = attacks.element(0x00080018, "UI", f"1.2.3.9{number}".encode())
    elements[0x0020000D] = attacks.element(0x0020000D, "UI", f"1.9.9{number}".encode())
    return attacks.whole(elements)


def words(count: int, alphabet: str) -> str:
    chance = random.Random(count)
    return " ".join("".join(chance.choices(alphabet, k=6)) for _ in range(count))


IDEOGRAPHS = "".join(map(chr, range(0x4E00, 0x5E00)))
LONG = [
    long(0, t00100010=words(2_000, IDEOGRAPHS), t00104000=words(2_000, IDEOGRAPHS)),
    long(1, t00100010=words(6_000, ascii_lowercase), t00104000=words(6_000, ascii_lowercase)),
    long(2, t00080080=words(6_000, ascii_lowercase), t00081030=words(6_000, ascii_lowercase)),
    long(3, t00100020=" ".join(map(str, range(9_000))), t00104000=" ".join(map(str, range(9_000)))),
    long(4, t00104000=" ." * 20_000, t00081030="1." * 20_000),
    long(5, t00104000="1.1.20" * 6_000, t00081030="Dr. " * 9_000),
    long(6, t00080060="A" * 40_000, t00080008="\\".join(["CT"] * 1_000)),
]
MEMORY, SECONDS = 2_000, 240  # MiB and seconds of a whole run


@dataclass
class Ran:
    site: Site
    printed: str


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    site = Site(tmp_path_factory.mktemp("payloads"))
    landing = os.fsencode(site.landing)
    for number, (kind, text) in enumerate(PAYLOADS.items()):
        folder = os.path.join(landing, name_of(number, text))
        os.mkdir(folder)
        for where in (PERSON, REST, *([ALL] if kind in IN_ALL else [])):
            with open(os.path.join(folder, name_of(number, where + text)), "wb") as file:
                file.write(hostile(number, text, where))
        with open(os.path.join(folder, name_of(number, text)[:200] + b".txt"), "wb") as file:
            file.write(text.encode())  # a reject
    for number, maker in enumerate(MAKERS):
        (site.landing / f"maker {number}").write_bytes(made(maker, number))
    for number, data in enumerate(LONG):
        (site.landing / f"long {number}").write_bytes(data)
    began = time.monotonic()
    printed = site.run()
    assert time.monotonic() - began < SECONDS
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < MEMORY * 1024
    printed += site.command("status", code=0)
    printed += site.command("removed-words", "--min-patients", "1")
    printed += site.command("report")
    return Ran(site, printed)


def test_every_file_is_loaded_or_rejected_and_a_second_run_finds_nothing_to_do(ran: Ran) -> None:
    counts = summary(ran.printed)
    good = 2 * len(PAYLOADS) + len(IN_ALL) + len(MAKERS) + len(LONG)
    assert counts["found"] == len(PAYLOADS) + good
    assert (counts["rejected"], counts["pending"]) == (len(PAYLOADS), 0)
    assert counts["loaded"] + counts["duplicate"] == good
    assert files_read(ran.site.run()) == 0


def texts(ran: Ran) -> Iterator[tuple[str, str]]:
    """Yield all rows of the published file as JSON, with their table."""
    for table in ran.site.tables():
        for (line,) in ran.site.ask(f"select to_json(t) from {table} as t"):
            yield table, line


def test_published_text_has_no_control_characters_and_payloads_only_in_kept_columns(
    ran: Ran,
) -> None:
    def leaves(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for one in value.values():
                yield from leaves(one)
        elif isinstance(value, list):
            for one in value:
                yield from leaves(one)
        elif isinstance(value, str):
            yield value

    found = set()
    for table, line in texts(ran):
        row = json.loads(line)
        for column, value in row.items():
            for text in leaves(value):
                active = {c for c in text if unicodedata.category(c) in _ACTIVE}
                if active or MARKER in text:
                    found.add((table, column, repr(text)[:60]))
    assert not {one for one in found if MARKER not in one[2]}
    # the two columns that the mapping keeps after a review
    assert {column for _, column, _ in found} <= {
        "software_versions",
        "ethnic_group",
    }


def test_payloads_are_in_tables_and_zones_and_in_no_other_file(ran: Ran) -> None:
    allowed = ("published/", "warehouse/build.duckdb", "landing/", "raw/")
    for path, data in subjects.everything(ran.site.root, ran.site.landing):
        place = os.fspath(path.relative_to(ran.site.root))
        if not place.startswith(allowed):
            assert MARKER.encode() not in data, place
            assert b"onerror" not in data, place
    # the output contains removed words, with control characters escaped
    assert not [c for c in ran.printed if unicodedata.category(c) in _ACTIVE - {"Zl"} and c != "\n"]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def test_payloads_add_no_element_to_the_report(ran: Ran) -> None:
    page = (ran.site.root / "warehouse" / "report.html").read_text()
    tags = _Tags()
    tags.feed(page)
    names = {tag for tag, _ in tags.found}
    assert not names & {"script", "img", "iframe", "object", "form", "ct"}
    assert not [
        name for _, attributes in tags.found for name in attributes if name.startswith("on")
    ]
    assert "&lt;b&gt;CT" in page  # the payload appears as text


def output_of(site: Site, *arguments: str) -> bytes:
    """Return the standard output of a command as bytes."""
    environment = {**os.environ, **site.environment, "PYTHONPATH": str(site.project)}
    command = [sys.executable, "-m", "dicom_pipeline.cli", *arguments]
    done = subprocess.run(
        command, cwd=site.project, env=environment, capture_output=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("command", ["locate", "rejects"])
def test_every_listed_path_exists_and_no_cell_is_a_formula(ran: Ran, command: str) -> None:
    site = ran.site
    options = ["--query", "from processed.processed_images", "--original-uids"]
    arguments = [command, *(options if command == "locate" else []), "--format", "csv"]
    listed = output_of(site, *arguments)
    table = list(csv.reader(io.StringIO(listed.decode("utf-8", "surrogateescape"), newline="")))
    rows = table[1:]
    assert len(rows) >= len(PAYLOADS)
    for row in rows:
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert os.path.exists(os.fsencode(row[-1]))
    # every cell is quoted, so a spreadsheet finds no other separator
    assert all(line.startswith(b'"') for line in re.split(rb'(?<=")\n(?=")', listed))
    exact = [command, *(options[:2] if command == "locate" else []), "--format", "paths", "--null"]
    paths = output_of(site, *exact).split(b"\0")[:-1]
    assert {os.fsencode(row[-1]) for row in rows} == set(paths)
