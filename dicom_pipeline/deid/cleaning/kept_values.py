"""Values that are kept unchanged, unless they identify somebody.

Belongs here: whether a kept value contains a term of the patient, or has the form of an identifier.
Does not belong here: values that are cleaned (text_cleaning), and the check of the finished tables
(warehouse.leak_check).
"""

from __future__ import annotations

from collections.abc import Collection

from dicom_pipeline.deid.cleaning.own_terms import OwnTerms
from dicom_pipeline.deid.cleaning.patterns.text_patterns import has_pattern
from dicom_pipeline.deid.cleaning.text_tokens import SPACES, text_tokens
from dicom_pipeline.deid.tokens import lowered

LONGEST_KEPT = 1024


def is_short_enough(value: str) -> bool:
    """Whether a value may be kept: longer ones are not searched and become null."""
    return len(value) <= LONGEST_KEPT


def is_leaked(
    value: str,
    own: OwnTerms,
    defined_terms: Collection[str],
    *,
    is_array: bool,
    is_code: bool,
) -> bool:
    """Whether a kept value identifies somebody, so that it must be removed.

    Parameters
    ----------
    value
        The raw value.
    own
        Terms of the patient, or of all patients for the value of a device.
    defined_terms
        Values that the standard defines for the attribute. They identify nobody: the body part
        HAND of a patient named Hand.
    is_array
        Whether backslashes separate values. In a single value a backslash is a character, and a
        term may extend across it.
    is_code
        Whether a value with the form of anybody's identifier is removed too. This is so for all
        tables but devices, where a model looks like a number, and for codes of the standard.
    """
    undefined = _undefined(value, defined_terms, is_array=is_array)
    return _names_somebody(undefined, own) or (is_code and any(map(has_pattern, undefined)))


def _undefined(value: str, defined_terms: Collection[str], *, is_array: bool) -> list[str]:
    elements = value.split("\\") if is_array else [value.replace("\\", " ")]
    return [lowered(element) for element in elements if element.strip(SPACES) not in defined_terms]


def _names_somebody(elements: list[str], own: OwnTerms) -> bool:
    for element in elements:
        tokens = text_tokens(element)
        sentence = f" {' '.join(tokens)} "
        for first in own.kept_phrases.keys() & set(tokens):
            if any(phrase in sentence for phrase in own.kept_phrases[first]):
                return True
        # in scripts without spaces a name is part of a run of letters
        if not sentence.isascii() and any(name in sentence for name in own.kept_unspaced):
            return True
    return False
