"""Foreign text is shown without effect in terminals, spreadsheets, Markdown and charts."""

from __future__ import annotations

import csv
import io
import os
import pty
import subprocess
import sys
import unicodedata

import pytest
from rich.console import Console

from dicom_pipeline.cli.tables import print_words
from dicom_pipeline.common.escaping import csv_safe, escape_control_chars
from dicom_pipeline.orchestration.ui import markdown
from dicom_pipeline.reporting import charts as pictures
from dicom_pipeline.warehouse.removed_words import RemovedWord
from tests.support.attacks import PAYLOADS

# Unicode categories of characters that act on a terminal or on the layout of text
ACTIVE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_LIST = """
import sys
from dicom_pipeline.cli.path_list import Format, write_list
names = ["/zone/" + name for name in {names!r}]
rows = [("=1+1", name) for name in names]
write_list(names, ("uid", "path"), rows, Format(sys.argv[1]), null=sys.argv[2] == "null")
"""


@pytest.mark.parametrize("text", PAYLOADS.values(), ids=PAYLOADS)
def test_escaped_text_has_no_control_character_and_keeps_all_other_characters(text: str) -> None:
    shown = escape_control_chars(text)
    assert not {unicodedata.category(c) for c in shown} & ACTIVE
    rest = iter(shown)
    assert all(c in rest for c in text if unicodedata.category(c) not in ACTIVE)
    if not {unicodedata.category(c) for c in text} & ACTIVE:
        assert shown == text


def test_each_control_character_is_shown_as_its_code_point() -> None:
    assert escape_control_chars("a\x1b[2J\n\x9b\u202e\udcff\U000e0001") == (
        "a\\x1b[2J\\x0a\\x9b\\u202e\\xff\\ue0001"
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1"])
def test_a_formula_is_text_in_a_spreadsheet(text: str) -> None:
    assert csv_safe(text) == f"'{text}"


def test_other_cells_are_not_changed() -> None:
    for value in ("1.2.840", "/zone/=1+1", "s3://zone/@x", "", 12, None):
        assert csv_safe(value) is value


def listed(form: str, end: str, names: list[str], *, terminal: bool) -> bytes:
    """Return the bytes of a list as its receiver reads them."""
    command = [sys.executable, "-c", _LIST.format(names=names), form, end]
    if not terminal:
        return subprocess.run(command, capture_output=True, check=True).stdout
    here, there = pty.openpty()
    with subprocess.Popen(command, stdout=there) as process:
        os.close(there)
        found = b""
        try:
            while data := os.read(here, 65_536):
                found += data
        except OSError:  # the other end is closed
            pass
        assert process.wait() == 0
    os.close(here)
    return found.replace(b"\r\n", b"\n")


def test_names_are_escaped_on_a_terminal_and_exact_for_programs() -> None:
    names = [text.replace("\0", "") for text in PAYLOADS.values()] + ["\udc9b31m"]
    for form in ("paths", "csv"):
        shown = listed(form, "lines", names, terminal=True).decode()
        assert not {unicodedata.category(c) for c in shown if c != "\n"} & ACTIVE
        assert len(shown.splitlines()) == len(names) + (form == "csv")
    exact = listed("paths", "null", names, terminal=False).split(b"\0")[:-1]
    assert exact == [os.fsencode(f"/zone/{name}") for name in names]
    table = listed("csv", "lines", names, terminal=False).decode("utf-8", "surrogateescape")
    rows = list(csv.reader(io.StringIO(table, newline="")))[1:]
    assert [row[1] for row in rows] == [f"/zone/{name}" for name in names]
    assert {row[0] for row in rows} == {"'=1+1"}


@pytest.mark.parametrize("svg", [True, False])
@pytest.mark.filterwarnings("ignore:Glyph")
def test_charts_can_draw_any_manufacturer_name(svg: bool) -> None:
    kinds = ("mathtext", "dollars", "script", "image", "terminal, link", "bidi", "nul", "rich")
    counts = {PAYLOADS[kind]: n for n, kind in enumerate(kinds, 1)}
    drawn = pictures.flat_bars("devices", counts, svg=svg)
    stacked = pictures.stacked_bars(
        "studies", [*PAYLOADS.values()][:3], {"$\\frac$": [1, 2, 3]}, svg=svg
    )
    for picture in (drawn, stacked):
        assert picture.startswith(b"<?xml" if svg else b"\x89PNG")
    if svg:
        assert (
            b"<script" not in drawn and b"\x1b" not in drawn and b"onerror=alert(1)>" not in drawn
        )


def test_markdown_tables_keep_their_cells() -> None:
    for text in PAYLOADS.values():
        value = markdown.table(["name", "files"], [(text, 1)]).value
        assert value is not None
        lines = value.split("\n")
        assert len(lines) == 3
        row = lines[2].replace("\\\\", "").replace("\\|", "")
        assert row.count("|") == 3
        for opening in ("<", "[", "`", "*"):
            assert opening not in row.replace(f"\\{opening}", "")


def test_removed_words_are_escaped_on_the_terminal() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=200, color_system=None)
    print_words(console, [RemovedWord(text, 1, 1, 1) for text in PAYLOADS.values()])
    assert not {unicodedata.category(c) for c in out.getvalue() if c != "\n"} & ACTIVE
