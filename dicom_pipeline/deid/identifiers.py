"""Identifiers as people hand them in: of a patient, a study, another UID, an accession number.

Belongs here: kinds of identifiers, their normal form, and reading a list of them.
Does not belong here: what is done with them (extract.withdrawal, warehouse.pseudonyms).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from dicom_pipeline.common.errors import ConfigurationError

SYNTAX = (
    "one a line: a Patient ID, then, if wanted, a tab and its issuer; or study: and a Study "
    "Instance UID. A line with a tab is a Patient ID, whatever it begins with."
)


class IdentifierError(ConfigurationError):
    """An identifier cannot be used; the message never quotes it."""


class Kind(StrEnum):
    """What an identifier names; the value is its prefix in a list."""

    PATIENT = "patient"
    STUDY = "study"
    UID = "uid"
    ACCESSION = "accession"


@dataclass(frozen=True)
class Identifier:
    """One identifier, in the form that extraction gives it.

    ``repr`` does not show it, so that no traceback does.

    Attributes
    ----------
    kind
        What it names.
    value
        The Patient ID, the UID or the number.
    issuer
        Issuer of the Patient ID; None where none was given.
    """

    kind: Kind
    value: str = field(repr=False)
    issuer: str | None = field(default=None, repr=False)

    @property
    def canonical(self) -> str:
        """One text for each identifier; lengths keep value and issuer apart."""
        issuer = "*" if self.issuer is None else f"{len(self.issuer)}:{self.issuer}"
        return f"{self.kind}|{len(self.value)}:{self.value}|{issuer}"


def identifier(kind: Kind, value: str, issuer: str | None = None) -> Identifier:
    """Make an identifier of what somebody typed.

    Raises
    ------
    IdentifierError
        There is nothing but padding, in the value or in an issuer that was given.
    """
    value = normal(value)
    if not value:
        raise IdentifierError("an identifier is empty")
    if issuer is not None:
        issuer = normal(issuer)
        if not issuer:
            raise IdentifierError("an issuer is empty: leave it out")
    return Identifier(kind, value, issuer)


def normal(text: str) -> str:
    """The form in which extraction stores a value: padding stripped, Unicode normal form C.

    The same as `extract.values.text_of`, which starts from the bytes of a file.
    """
    values = "\\".join(value.strip(" \0") for value in text.split("\\"))
    joined = values if values.strip("\\") else ""
    return unicodedata.normalize("NFC", joined.replace("\0", ""))


def read_list(data: bytes, kinds: tuple[Kind, ...]) -> list[Identifier]:
    """Read a list of identifiers, in its order.

    Parameters
    ----------
    data
        UTF-8, one a line (see `SYNTAX`); empty lines at the end do not count.
    kinds
        What may stand in it.

    Raises
    ------
    IdentifierError
        A line cannot be used; the message has its number.
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
    return [_numbered(number, line, kinds) for number, line in enumerate(lines, start=1)]


def _numbered(number: int, line: str, kinds: tuple[Kind, ...]) -> Identifier:
    try:
        return _of_line(line, kinds)
    except IdentifierError as error:
        raise IdentifierError(f"line {number}: {error}") from None


def _of_line(line: str, kinds: tuple[Kind, ...]) -> Identifier:
    value, tab, issuer = line.partition("\t")
    if "\t" in issuer:
        raise IdentifierError("it has more than one tab")
    if not tab:
        prefix, colon, rest = line.partition(":")
        for kind in (Kind.STUDY, Kind.UID, Kind.ACCESSION):
            if colon and prefix == kind:
                if kind not in kinds:
                    raise IdentifierError(f"{kind}: is not possible here")
                return identifier(kind, rest)
    # an empty cell of a spreadsheet: the issuer is not known
    return identifier(Kind.PATIENT, value, issuer if normal(issuer) else None)


def from_options(
    patient_id: str | None,
    issuer: str | None,
    others: dict[Kind, str | None],
    listed: Callable[[], bytes] | None,
) -> list[Identifier]:
    """The identifiers of a command line; exactly one way of naming them may be used.

    Parameters
    ----------
    patient_id, issuer
        Values of the options of these names.
    others
        Values of the options for other kinds.
    listed
        Reads the list on standard input, if that was asked for.

    Raises
    ------
    IdentifierError
        None or several ways were used, or one cannot be used.
    """
    named = {Kind.PATIENT: patient_id, **others}
    given = {kind: value for kind, value in named.items() if value is not None}
    if issuer is not None and patient_id is None:
        raise IdentifierError("--issuer needs --patient-id")
    if len(given) + (listed is not None) != 1:
        raise IdentifierError("name what is meant in exactly one way; --help lists them")
    if listed is not None:
        found = read_list(listed(), tuple(named))
        if not found:
            raise IdentifierError("there is nothing on standard input")
        return found
    [(kind, value)] = given.items()
    return [identifier(kind, value, issuer if kind is Kind.PATIENT else None)]
