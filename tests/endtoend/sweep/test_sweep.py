"""One run over all planted files: no needle is outside the raw zone and the landing zone.

The landing zone also contains the patients whose names are ordinary words, to save a second run.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dicom_pipeline.mapping.attribute_mapping import load_mapping

from .files import Archive
from .needles import Needle
from .people import LANGUAGES
from .places import Piece, pieces_under
from .search import Search
from .special import SPECIALS, number_of, put_specials
from .sweeping import SweptSite, sweep

TABLES = ("patients", "studies", "series", "images", "devices")
# keyed hashes, which may contain a short term by chance
HASHED = {"pseudonym", "uid"}
PUBLIC = {
    "sop_class_uid",
    "transfer_syntax_uid",
    "specific_character_set",
    "conflicting_attributes",
}


@dataclass
class Swept:
    """Site and archive after the run."""

    site: SweptSite
    archive: Archive

    @cached_property
    def rows(self) -> dict[int, list[tuple[str, Any]]]:
        """Cells of each image, its series, study, patient and device, by instance number."""
        joins = "".join(
            f" left join processed.processed_{table} as {table}"
            f" on {table}.{key} is not distinct from images.{key}"
            for table, key in (
                ("patients", "patient_key"), ("studies", "study_key"), ("series", "series_key"),
                ("devices", "device_key"),
            )
        )  # fmt: skip
        with duckdb.connect(str(self.site.database), read_only=True) as connection:
            connection.execute(f"select * from processed.processed_images as images{joins}")
            names = [column[0] for column in connection.description or []]
            found = [list(zip(names, row, strict=True)) for row in connection.fetchall()]
        return {dict(cells)["instance_number"]: cells for cells in found}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    site = SweptSite(tmp_path_factory.mktemp("sweep"))
    archive = Archive()
    # the project contains no needle before the run
    assert sweep({"project": site.project}, archive.needles).hits == []
    archive.first(site.landing)
    put_specials(site.landing)
    site.run()
    site.command("status")
    return Swept(site, archive)


def inflated(piece: Piece) -> Iterator[Piece]:
    """Yield a file, and its data set if the transfer syntax is deflated."""
    yield piece
    if b"1.2.840.10008.1.2.1.99" in piece.content[:1000]:
        start = 144 + int.from_bytes(piece.content[140:144], "little")
        yield Piece(
            "unpacked", piece.path, zlib.decompressobj(-15).decompress(piece.content[start:])
        )


def test_the_planted_needles_are_in_the_landing_zone(swept: Swept) -> None:
    """The absence of a needle proves something only if it was planted."""
    search = Search(swept.archive.needles)
    found: set[Needle] = set()
    for file in pieces_under(swept.site.landing):
        if "inflated" not in file.path:  # broken on purpose
            found |= {hit.needle for piece in inflated(file) for hit in search.hits(piece)}
    planted = swept.archive.needles.planted
    # some needles were replaced in a header after their creation
    assert len(found) > 0.98 * len(planted)
    of_people = {n for n, where in planted.items() if where & {f"name of {x}" for x in LANGUAGES}}
    assert len(of_people) >= 30
    assert of_people <= found


def test_no_needle_is_found_outside_the_raw_zone_and_the_landing_zone(swept: Swept) -> None:
    swept.site.assert_no_other_folder()
    result = sweep(swept.site.places(), swept.archive.needles)
    print(f"\n{result.table()}")  # noqa: T201
    assert result.hits == [], result.summary()
    assert result.days == set()
    for place in ("project (dbt target, logs)", "DAGSTER_HOME", "warehouse", "published"):
        assert result.places[place]["file bytes"] > 10_000, place
    for place in ("DAGSTER_HOME", "warehouse", "published"):
        assert result.places[place]["rows"] >= 5, place
    assert result.places["terminal output"]["file"] == 2


def test_no_log_contains_an_undefined_code(swept: Swept) -> None:
    """Values in the form of a code are kept, so the tables may contain undefined codes."""
    places = swept.site.places()
    del places["warehouse"], places["published"]
    result = sweep(places, swept.archive.codes)
    assert len(swept.archive.codes.planted) > 15
    assert result.hits == [], result.summary()


def test_values_that_identify_nobody_are_published(swept: Swept) -> None:
    """Empty tables would also pass the sweep."""
    ask = swept.site.ask
    texts = str(ask("from processed.processed_studies") + ask("from processed.processed_series"))
    assert texts.count("CT Abdomen [removed]") > 5
    cells = "body_part_examined = 'ABDOMEN' and modality in ('CT', 'MR', 'US', 'DX', 'PT', 'SR')"
    [(series, modalities)] = ask(
        f"select count(*), count(distinct modality) from processed.processed_series where {cells}"
    )
    assert series > 25
    assert modalities == 6
    [(spacing,)] = ask(
        "select count(*) from processed.processed_images where pixel_spacing = [0.5, 0.75]"
    )
    assert spacing > 25
    [(patients, shifted)] = ask(
        "select (select count(*) from processed.processed_patients),"
        " (select count(distinct study_date) from processed.processed_studies)"
    )
    assert patients >= len(LANGUAGES) + len(SPECIALS)
    assert shifted > 15


# --- patients whose names are ordinary words ---


def texts_of(cells: list[tuple[str, Any]], passed_over: set[str]) -> str:
    """Return all text in the cells, except keys, hashes and the given columns."""
    hashed = {a.column for a in load_mapping().attributes if a.research in HASHED}
    return " / ".join(
        str(value)
        for name, value in cells
        if isinstance(value, (str, list))
        and not name.endswith("_key")
        and name not in passed_over | hashed
        and name not in PUBLIC
    )


def tokens_of(text: str) -> set[str]:
    """Return runs of digits and of letters; CamelCase is split."""
    text = re.sub("([a-z])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3 \2\4", text)
    return set(re.findall("[0-9]+|[a-z\u0080-\U0010ffff]+", text.lower()))


@pytest.mark.parametrize("name", SPECIALS)
def test_a_special_patient_is_published_without_a_leak(swept: Swept, name: str) -> None:
    special = SPECIALS[name]
    cells = swept.rows[number_of(name)]
    text = texts_of(cells, set(special.cells) - {"study_description", "series_description"})
    tokens = tokens_of(text)
    for term in special.removed_tokens:
        assert term not in tokens, text[:500]
        if len(term) > 3 or not term.isascii():
            assert term not in text.lower(), text[:500]
    assert tokens & {"ct", "mr"}  # part of the text remains
    for column, expected in special.cells.items():
        found = [value for name, value in cells if name == column]
        assert found, column
        assert all(value == expected for value in found), (column, found)


def test_every_special_patient_is_published_with_a_key(swept: Swept) -> None:
    numbers = {number_of(name) for name in SPECIALS}
    assert numbers <= swept.rows.keys()
    keys = {name: dict(swept.rows[number_of(name)])["patient_key"] for name in SPECIALS}
    # padding is not part of an identifier, case is
    assert keys["an identifier in capitals"] == keys["the same with padding"]
    assert len(set(keys.values())) == len(SPECIALS) - 1
    assert None not in keys.values()


def test_comments_of_10_000_characters_are_cleaned_and_not_truncated(swept: Swept) -> None:
    cells = dict(swept.rows[number_of("comments of 10,000 characters")])
    comments = cells["patient_comments"]
    assert comments.count("Thorax of [removed]") > 180
    assert Path(swept.site.database).exists()
