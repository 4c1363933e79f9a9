"""Identifiers as people type them: in the form of the tables, read from lists, never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_pipeline.deid.identifiers import (
    Identifier,
    IdentifierError,
    Kind,
    identifier,
    normal,
    read_list,
)
from dicom_pipeline.headers.values import text_of

ALL = tuple(Kind)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x1b\r\n\f\t"), max_size=12))
def test_what_is_typed_has_the_form_that_extraction_gives_a_value(typed: str) -> None:
    assert normal(typed) == (text_of("LO", typed.encode(), ("utf8",)) or "")


@pytest.mark.parametrize("typed", ["", " ", "\0", " \\ ", "\\"])
def test_an_identifier_of_nothing_but_padding_is_refused(typed: str) -> None:
    with pytest.raises(IdentifierError):
        identifier(Kind.PATIENT, typed)
    with pytest.raises(IdentifierError):
        identifier(Kind.PATIENT, "A", typed)


def test_a_list_may_come_from_anywhere() -> None:
    data = "\ufeff A \r\nB\tI\r\nC\t\nstudy: 1.2 \nstudy:1.2\t\nD:study:1\n \n\n".encode()
    assert read_list(data, (Kind.PATIENT, Kind.STUDY)) == [
        Identifier(Kind.PATIENT, "A"),
        Identifier(Kind.PATIENT, "B", "I"),
        Identifier(Kind.PATIENT, "C"),  # an empty cell is no issuer
        Identifier(Kind.STUDY, "1.2"),
        Identifier(Kind.PATIENT, "study:1.2"),
        Identifier(Kind.PATIENT, "D:study:1"),
    ]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"A\n\nSECRET", 2),
        (b"A\nB\nSECRET\xe4\n", 3),
        (b"SECRET\tB\tC", 1),
        (b"A\nuid:SECRET", 2),
        (b"A\nstudy: ", 2),
        (b"\tSECRET", 1),
    ],
)
def test_a_line_that_cannot_be_used_is_told_by_its_number(data: bytes, line: int) -> None:
    with pytest.raises(IdentifierError, match=f"^line {line}: ") as error:
        read_list(data, (Kind.PATIENT, Kind.STUDY))
    assert "SECRET" not in str(error.value)


def test_identifiers_that_differ_have_canonical_texts_that_differ() -> None:
    texts = [
        identifier(kind, value, issuer).canonical
        for kind in ALL
        for value, issuer in [
            ("a", None), ("a", "*"), ("a|1:b", None), ("a", "b"), ("a|*", None), ("A", None),
        ]
    ]  # fmt: skip
    assert len(set(texts)) == len(texts)


def test_no_representation_shows_it() -> None:
    assert "SECRET" not in repr(identifier(Kind.PATIENT, "SECRET-1", "SECRET-2"))
