"""Typed identifiers: normalized as extraction does, read from lists, never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_pipeline.deid.identifiers import (
    Identifier,
    IdentifierError,
    IdentifierKind,
    identifier,
    normalize,
    read_list,
)
from dicom_pipeline.headers.values import text_of

ALL = tuple(IdentifierKind)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x1b\r\n\f\t"), max_size=12))
def test_a_typed_identifier_is_normalized_as_extraction_normalizes_a_value(typed: str) -> None:
    assert normalize(typed) == (text_of("LO", typed.encode(), ("utf8",)) or "")


@pytest.mark.parametrize("typed", ["", " ", "\0", " \\ ", "\\"])
def test_an_identifier_that_is_only_padding_is_refused(typed: str) -> None:
    with pytest.raises(IdentifierError):
        identifier(IdentifierKind.PATIENT, typed)
    with pytest.raises(IdentifierError):
        identifier(IdentifierKind.PATIENT, "A", typed)


def test_a_list_may_have_any_line_ends_padding_and_byte_order_mark() -> None:
    data = "\ufeff A \r\nB\tI\r\nC\t\nstudy: 1.2 \nstudy:1.2\t\nD:study:1\n \n\n".encode()
    assert read_list(data, (IdentifierKind.PATIENT, IdentifierKind.STUDY)) == [
        Identifier(IdentifierKind.PATIENT, "A"),
        Identifier(IdentifierKind.PATIENT, "B", "I"),
        Identifier(IdentifierKind.PATIENT, "C"),  # an empty cell means no issuer
        Identifier(IdentifierKind.STUDY, "1.2"),
        Identifier(IdentifierKind.PATIENT, "study:1.2"),
        Identifier(IdentifierKind.PATIENT, "D:study:1"),
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
def test_an_invalid_line_is_reported_by_its_number(data: bytes, line: int) -> None:
    with pytest.raises(IdentifierError, match=f"^line {line}: ") as error:
        read_list(data, (IdentifierKind.PATIENT, IdentifierKind.STUDY))
    assert "SECRET" not in str(error.value)


def test_different_identifiers_have_different_canonical_texts() -> None:
    texts = [
        identifier(kind, value, issuer).canonical
        for kind in ALL
        for value, issuer in [
            ("a", None), ("a", "*"), ("a|1:b", None), ("a", "b"), ("a|*", None), ("A", None),
        ]
    ]  # fmt: skip
    assert len(set(texts)) == len(texts)


def test_repr_and_str_do_not_show_the_identifier() -> None:
    assert "SECRET" not in repr(identifier(IdentifierKind.PATIENT, "SECRET-1", "SECRET-2"))
