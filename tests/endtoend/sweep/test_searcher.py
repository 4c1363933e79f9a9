"""The search finds planted needles in every place and form; otherwise the sweep proves nothing."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from .needles import Maker, Needles
from .sweeping import SweepResult, sweep

NAME = "Öttinghäußqen"
ID = "QX-774100140007-K"
DAY = "1987-03-04"
TIME = "030407.918273"
PADDING = "2025-11-22 10:11:12 [info] 17 rows, 3f786850e387550fdab836ed7e6dc881de23001b\n" * 500


@pytest.fixture
def needles() -> Needles:
    made = Needles()
    made.add("word", NAME, "test", "latin_1")
    made.add("word", "彌榮霞", "test", "iso2022_jp")
    made.add("word", "Yıldızqoğlu", "test", "iso_ir_148")
    made.add("id", ID, "test")
    made.add("date", DAY, "test")
    made.add("time", TIME, "test")
    return made


def sweep_of(place: Path, needles: Needles) -> SweepResult:
    return sweep({"place": place}, needles)


FORMS: dict[str, bytes] = {
    "as it is": NAME.encode(),
    "in capitals": NAME.upper().encode(),
    "in small letters": NAME.lower().encode(),
    "UTF-16, little endian": NAME.encode("utf-16-le"),
    "UTF-16, big endian": NAME.upper().encode("utf-16-be"),
    "UTF-16 with a mark": NAME.encode("utf-16"),
    "the character set of its file": NAME.encode("latin_1"),
    "decomposed": "O\u0308ttingha\u0308ußqen".encode(),
    "accents off": b"OTTINGHAUSSQEN",
    "digraphs": b"Oettinghaeussqen",
    "JSON": json.dumps({"a": NAME}).encode(),
    "a percent-encoded URL": b"http://x/%C3%96ttingh%C3%A4u%C3%9Fqen",
    "the repr of bytes": repr(NAME.encode()).encode(),
    "hexadecimal": NAME.encode().hex().upper().encode(),
    "base64": base64.b64encode(NAME.encode()),
    "base64 of more": base64.b64encode(f"x{NAME}yz".encode()),
    "Japanese": "=彌榮霞^".encode(),
    "Japanese, UTF-16": "彌榮霞".encode("utf-16-be"),
    "Turkish without dots": b"YILDIZQOGLU",
    "an identifier": ID.encode(),
    "an identifier in small letters": ID.lower().encode("utf-16-le"),
    "base64 of an identifier": base64.b64encode(f"id={ID};".encode()),
    "hexadecimal of an identifier": ID.encode().hex().encode(),
    "a day": b"19870304",
    "a day and letters": b"acc19870304x",
    "ISO": b"1987-03-04T00:00",
    "German": b"04.03.1987",
    "American": b"03/04/1987",
    "British": b"04/03/1987",
    "a day in words": b"04 Mar 1987",
    "a day in UTF-16": "1987-03-04".encode("utf-16-le"),
    "a moment": b"19870304101112.5",
    "a time": b"03:04:07.918273",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_in_a_log(form: str, needles: Needles, tmp_path: Path) -> None:
    log = tmp_path / "run" / "some.log"
    log.parent.mkdir()
    log.write_bytes(PADDING.encode() + b'"' + FORMS[form] + b'"' + PADDING.encode())
    assert len(sweep_of(tmp_path, needles).hits) >= 1


def test_text_that_resembles_a_needle_is_not_reported(needles: Needles, tmp_path: Path) -> None:
    harmless = (
        "Otting, QX-774, 1987, 1987-03, 04.03., 3f78685019870304fdab836ed7, 0.19870304, 119870304,"
        " 198703041, 1987030499, 030407, Yildiz"
    )
    (tmp_path / "log").write_text(PADDING + harmless)
    assert sweep_of(tmp_path, needles).hits == []


def test_a_needle_across_a_chunk_boundary_is_found(needles: Needles, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"." * ((1 << 22) - 7) + NAME.encode())
    assert len(sweep_of(tmp_path, needles).hits) == 1


def database(place: Path, *statements: str) -> None:
    with duckdb.connect(str(place / "build.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def table_of(place: Path, value: str) -> None:
    """Write so many similar rows that DuckDB compresses the text."""
    database(
        place,
        "create schema stage",
        "create table stage.t as select 'Knee of Schmidt ' || hash(i) || ' and others' as text"
        " from range(200000) as r(i)",
        f"update stage.t set text = {value} where text in (select min(text) from stage.t)",
        "checkpoint",
    )


def sqlite_of(place: Path, *values: object) -> None:
    with closing(sqlite3.connect(place / "runs.db")) as connection:
        connection.execute("create table event_logs (id integer, event text, body blob)")
        connection.executemany("insert into event_logs values (1, ?, ?)", [values])
        connection.commit()


def zipped(place: Path) -> None:
    with zipfile.ZipFile(place / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", PADDING + NAME)


HIDDEN = (PADDING + NAME).encode()
PLACES: dict[str, Callable[[Path], object]] = {
    "a column of a table": lambda place: table_of(place, f"'seen by {NAME}'"),
    "a column in UTF-16": lambda place: database(
        place, f"create table t as select from_hex('{NAME.encode('utf-16-le').hex()}') as b"
    ),
    "a list": lambda place: database(place, f"create table t as select ['a', '{ID}'] as l"),
    "a column of dates": lambda place: database(place, f"create table t as select date '{DAY}' d"),
    "a list of dates": lambda place: database(place, f"create table t as select [date '{DAY}'] d"),
    "a timestamp": lambda place: database(
        place, f"create table t as select timestamp '{DAY} 10:11:12' as d from range(5000)"
    ),
    "a time": lambda place: database(place, "create table t as select time '03:04:07.918273' t"),
    "a name of a column": lambda place: database(place, f'create table t ("{NAME}" integer)'),
    "a comment": lambda place: database(
        place, "create table t (a integer)", f"comment on column t.a is 'as in {NAME}'"
    ),
    "a view": lambda place: database(place, f"create view v as select '{ID}' as a"),
    "a row of SQLite": lambda place: sqlite_of(place, f"an error of {NAME}", None),
    "a blob of SQLite": lambda place: sqlite_of(place, "", NAME.encode("utf-16-le")),
    "compressed in SQLite": lambda place: sqlite_of(
        place, base64.b64encode(zlib.compress(HIDDEN)).decode(), None
    ),
    "compressed in a file of JSON": lambda place: (place / "cursor.json").write_text(
        json.dumps({"cursor": base64.b64encode(gzip.compress(HIDDEN)).decode()})
    ),
    "gzip": lambda place: (place / "log.gz").write_bytes(gzip.compress(HIDDEN)),
    "gzip of gzip": lambda place: (place / "log.gz").write_bytes(
        gzip.compress(gzip.compress(HIDDEN))
    ),
    "zlib": lambda place: (place / "log.z").write_bytes(zlib.compress(HIDDEN)),
    "bzip2": lambda place: (place / "log.bz2").write_bytes(bz2.compress(HIDDEN)),
    "xz": lambda place: (place / "log.xz").write_bytes(lzma.compress(HIDDEN)),
    "zip": zipped,
    "parquet": lambda place: duckdb.execute(
        f"copy (select '{ID}' as a from range(9)) to '{place}/x.parquet' (compression zstd)"
    ),
    "a file's name": lambda place: (place / f"IM_{NAME}.dcm").touch(),
    "an empty folder's name": lambda place: (place / ID).mkdir(),
    "where a link points to": lambda place: (place / "link").symlink_to(f"/nowhere/{ID}/x"),
}


# days have no text of their own in these
PLACES_OF_A_DAY = ("a column of dates", "a list of dates", "a timestamp")


@pytest.mark.parametrize("place", PLACES)
def test_a_needle_is_found_in_every_place(place: str, needles: Needles, tmp_path: Path) -> None:
    PLACES[place](tmp_path)
    result = sweep_of(tmp_path, needles)
    found = result.days if place in PLACES_OF_A_DAY else result.hits
    assert found, result.table()


def test_compression_hides_text_from_a_search_of_raw_bytes(
    needles: Needles, tmp_path: Path
) -> None:
    """This is why databases are also read row by row."""
    table_of(tmp_path, f"'seen by {NAME}'")
    assert NAME.encode() not in (tmp_path / "build.duckdb").read_bytes()
    [hit] = sweep_of(tmp_path, needles).hits
    assert hit.place.endswith("build.duckdb:stage.t")


def test_an_unknown_compression_format_is_an_error(needles: Needles, tmp_path: Path) -> None:
    (tmp_path / "log.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"\0" * 100)
    with pytest.raises(AssertionError, match="not known"):
        sweep_of(tmp_path, needles)


def test_a_needle_that_is_too_short_is_refused() -> None:
    needles = Needles()
    needles.add("word", "Hand", "test")
    with pytest.raises(AssertionError, match="too short"):
        needles.forms()


def test_needles_are_unique_and_no_shifted_day_equals_a_planted_day() -> None:
    maker = Maker(Needles())
    words = [maker.word("test") for _ in range(40_000)]
    assert len(set(words)) == len(words)
    numbers = [maker.spare_number() for _ in range(2_000)]
    assert {len(number) for number in numbers} == {12}
    assert len(set(numbers)) == len(numbers)
    for _ in range(400):
        maker.day("test")
        maker.day("test", 1937)
    days = sorted(maker.needles.dates())
    distances = {(a - b).days for a in days for b in days if a > b}
    # dates are shifted back by 364 to 3640 days, see the macro shift_days
    assert not any(364 <= distance <= 3640 for distance in distances)
