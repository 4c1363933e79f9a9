"""Values that are kept unchanged, unless they identify somebody.

Belongs here: whether a kept value contains a term of the patient, or has the form of an identifier.
Does not belong here: values that are cleaned (text_cleaning), the form in which a code is kept
(kept_codes), and the check of the finished tables (warehouse.leak_check).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import Enum

from dicom_pipeline.deid.cleaning.own_terms import OwnTerms
from dicom_pipeline.deid.cleaning.patterns.text_patterns import has_pattern
from dicom_pipeline.deid.cleaning.patterns.version_patterns import (
    VERSION_WORDS,
    identifies_in_version,
    is_date_of_six_digits,
)
from dicom_pipeline.deid.cleaning.text_cleaning import TextCleaner
from dicom_pipeline.deid.cleaning.text_tokens import DIGITS, SPACES, text_tokens
from dicom_pipeline.deid.tokens import lowered
from dicom_pipeline.mapping.defined_terms import terms_keyword

LONGEST_KEPT = 1024
_NUMBER = re.compile("[0-9]{1,6}")


class Kind(Enum):
    """What a kept value is, which decides about the forms of identifiers that are searched."""

    CODE = "code"  # of an attribute with the function keep_code
    LISTED = "listed"  # a code of a list that everybody can look up, with numbers of any form
    TEXT = "text"  # of a patient
    VERSION = "version"  # of a program, and other texts of devices, which look like numbers


def kind_of(table: str, attribute: str, function: str) -> Kind:
    """Return the kind of a column's values.

    Parameters
    ----------
    table, attribute, function
        Of the column in the mapping.
    """
    if function == "keep_code":
        return Kind.CODE
    is_version = table == "devices" or attribute.endswith("SoftwareVersions")
    return Kind.VERSION if is_version else Kind.TEXT


def is_short_enough(value: str) -> bool:
    """Whether a value may be kept: longer ones are not searched and become null."""
    return len(value) <= LONGEST_KEPT


def digits_of_date(element: str) -> str | None:
    """Return the digits of a value that has nothing but digits and separators, as of a date.

    Day and month of one digit get a zero. None for another value.
    """
    tokens = text_tokens(element)
    if not tokens or any(token[0] not in DIGITS for token in tokens):
        return None
    return "".join(token.zfill(2) for token in tokens)


class KeptValues:
    """Judge of kept values.

    Parameters
    ----------
    texts
        Cleaner of texts, which knows the allowed words.
    defined_terms
        Values that the standard defines, by the keyword of their attribute. They identify nobody:
        the body part HAND of a patient named Hand.
    """

    def __init__(self, texts: TextCleaner, defined_terms: Mapping[str, Collection[str]]) -> None:
        self._texts = texts
        self._defined_terms = defined_terms

    def names_patient(
        self, value: str, attribute: str, own: OwnTerms, kind: Kind, *, is_array: bool
    ) -> bool:
        """Whether a value contains a term of its patient, or is a date of the patient.

        Parameters
        ----------
        value
            The raw value.
        attribute
            Keyword or path of the attribute.
        own
            Terms of the patient; for a device, of a patient who used it.
        kind
            Kind of the value.
        is_array
            Whether backslashes separate values. In a single value a backslash is a character, and
            a term may extend across it.
        """
        return any(
            _has_term(element, own, kind)
            for element in self._undefined(value, attribute, is_array=is_array)
        )

    def has_identifier(self, value: str, attribute: str, kind: Kind, *, is_array: bool) -> bool:
        """Whether a value has a part with the form of an identifier, whosever.

        Parameters
        ----------
        value, attribute, kind, is_array
            As for `names_patient`.
        """
        if kind is Kind.LISTED:
            return False
        for element in self._undefined(value, attribute, is_array=is_array):
            if kind is Kind.VERSION:
                found = identifies_in_version(element, self._texts.is_allowed)
            elif kind is Kind.CODE and _NUMBER.fullmatch(element):
                # a technical value, such as 150000 in Image Type
                found = len(element) == 6 and is_date_of_six_digits(element)
            else:
                found = has_pattern(element) or (
                    kind is Kind.TEXT and self._texts.has_identifier(element)
                )
            if found:
                return True
        return False

    def _undefined(self, value: str, attribute: str, *, is_array: bool) -> list[str]:
        defined = self._defined_terms.get(terms_keyword(attribute), ())
        elements = value.split("\\") if is_array else [value.replace("\\", " ")]
        stripped = (element.strip(SPACES) for element in elements)
        return [element for element in stripped if element.upper() not in defined]


def _has_term(element: str, own: OwnTerms, kind: Kind) -> bool:
    tokens = text_tokens(lowered(element))
    sentence = f" {' '.join(tokens)} "
    for first in own.kept_phrases.keys() & set(tokens):
        for phrase in own.kept_phrases[first]:
            # Ver 2.1, of a patient named Ver
            is_version_word = kind is Kind.VERSION and phrase.strip() in VERSION_WORDS
            if phrase in sentence and not is_version_word:
                return True
    # in scripts without spaces a name is part of a run of letters
    if not sentence.isascii() and any(name in sentence for name in own.kept_unspaced):
        return True
    # others equal dates by chance; in a version, a date with its year is found by its form
    return kind in (Kind.CODE, Kind.TEXT) and digits_of_date(element) in own.dates.complete
