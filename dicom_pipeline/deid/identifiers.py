"""Identifiers that a user enters: Patient ID, Study Instance UID, other UID, accession number.

Belongs here: kinds of identifiers, their normal form, and reading a list of them.
Does not belong here: their use (extract.raw_zone.tombstones, deid.pseudonyms).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from dicom_pipeline.common.errors import ConfigurationError

SYNTAX = (
    "one per line: a Patient ID, optionally followed by a tab and its issuer; or study: followed "
    "by a Study Instance UID. A line with a tab is always a Patient ID."
)


class IdentifierError(ConfigurationError):
    """An identifier is invalid; the message never quotes it."""


class IdentifierKind(StrEnum):
    """Kind of an identifier; the value is its prefix in a list."""

    PATIENT = "patient"
    STUDY = "study"
    UID = "uid"
    ACCESSION = "accession"


@dataclass(frozen=True)
class Identifier:
    """One identifier, in the form in which extraction stores it.

    ``repr`` omits the value and the issuer, so that they do not appear in tracebacks.

    Attributes
    ----------
    kind
        Kind of the identifier.
    value
        The Patient ID, the UID or the accession number.
    issuer
        Issuer of Patient ID; None if not given.
    """

    kind: IdentifierKind
    value: str = field(repr=False)
    issuer: str | None = field(default=None, repr=False)

    @property
    def canonical(self) -> str:
        """Unambiguous text of the identifier; lengths separate value and issuer."""
        issuer = "*" if self.issuer is None else f"{len(self.issuer)}:{self.issuer}"
        return f"{self.kind}|{len(self.value)}:{self.value}|{issuer}"


def identifier(kind: IdentifierKind, value: str, issuer: str | None = None) -> Identifier:
    """Create an identifier from text that a user entered.

    Raises
    ------
    IdentifierError
        The value, or an issuer that was given, is empty or only padding.
    """
    value = normalize(value)
    if not value:
        raise IdentifierError("an identifier is empty")
    if issuer is not None:
        issuer = normalize(issuer)
        if not issuer:
            raise IdentifierError("an issuer is empty: leave it out")
    return Identifier(kind, value, issuer)


def normalize(text: str) -> str:
    """Return a value as extraction stores it: without padding, in Unicode normal form C.

    The result is the same as that of `headers.values.text_of` for the bytes of a file.
    """
    values = "\\".join(value.strip(" \0") for value in text.split("\\"))
    joined = values if values.strip("\\") else ""
    return unicodedata.normalize("NFC", joined.replace("\0", ""))


def read_list(data: bytes, kinds: tuple[IdentifierKind, ...]) -> list[Identifier]:
    """Read a list of identifiers, in its order.

    Parameters
    ----------
    data
        UTF-8, one identifier per line (see `SYNTAX`); empty lines at the end are ignored.
    kinds
        Kinds that the list may contain.

    Raises
    ------
    IdentifierError
        A line is invalid; the message has its number.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise IdentifierError(f"line {number}: it is not UTF-8") from None
    # not splitlines: a vertical tab or a line separator may be part of an identifier
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return [_parse_numbered(number, line, kinds) for number, line in enumerate(lines, start=1)]


def _parse_numbered(number: int, line: str, kinds: tuple[IdentifierKind, ...]) -> Identifier:
    try:
        return _parse_line(line, kinds)
    except IdentifierError as error:
        raise IdentifierError(f"line {number}: {error}") from None


def _parse_line(line: str, kinds: tuple[IdentifierKind, ...]) -> Identifier:
    value, tab, issuer = line.partition("\t")
    if "\t" in issuer:
        raise IdentifierError("it has more than one tab")
    if not tab:
        prefix, colon, rest = line.partition(":")
        for kind in (IdentifierKind.STUDY, IdentifierKind.UID, IdentifierKind.ACCESSION):
            if colon and prefix == kind:
                if kind not in kinds:
                    raise IdentifierError(f"the prefix {kind}: is not allowed for this command")
                return identifier(kind, rest)
    # an empty cell of a spreadsheet: the issuer is unknown
    return identifier(IdentifierKind.PATIENT, value, issuer if normalize(issuer) else None)


def from_options(
    patient_id: str | None,
    issuer: str | None,
    others: dict[IdentifierKind, str | None],
    listed: Callable[[], bytes] | None,
) -> list[Identifier]:
    """Return the identifiers of a command line, which are given in exactly one way.

    Parameters
    ----------
    patient_id, issuer
        Values of the options of these names.
    others
        Values of the options for other kinds.
    listed
        Reads the list from standard input; None if that was not requested.

    Raises
    ------
    IdentifierError
        Identifiers were given in no way or in several ways, or one is invalid.
    """
    named = {IdentifierKind.PATIENT: patient_id, **others}
    given = {kind: value for kind, value in named.items() if value is not None}
    if issuer is not None and patient_id is None:
        raise IdentifierError("--issuer needs --patient-id")
    if len(given) + (listed is not None) != 1:
        raise IdentifierError("give the identifiers in exactly one way; see --help")
    if listed is not None:
        found = read_list(listed(), tuple(named))
        if not found:
            raise IdentifierError("standard input is empty; give at least one identifier")
        return found
    [(kind, value)] = given.items()
    return [identifier(kind, value, issuer if kind is IdentifierKind.PATIENT else None)]
