"""The form in which a code is kept: in capitals, and as the term that the standard defines.

Devices and people write codes in lower case, in full (Male), with characters that a Code String
may not have (T-SPINE), and too long. Such a value is kept if it is a defined term in capitals, or
if its words and numbers would stay in a text; otherwise it is lost.

Belongs here: the form of one code.
Does not belong here: whether a code identifies its patient (kept_values).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from dicom_pipeline.deid.cleaning.own_terms import NO_TERMS
from dicom_pipeline.deid.cleaning.text_cleaning import TextCleaner
from dicom_pipeline.deid.cleaning.text_tokens import SPACES
from dicom_pipeline.mapping.defined_terms import terms_keyword

# PS3.5 section 6.2
_CODE_STRING = re.compile("[A-Z0-9_ ]{1,16}")
_LONGEST_WORDS = 64
# how a code is kept
UNCHANGED = "="
IN_CAPITALS = "^"
# terms that are written in full
_IN_FULL = {
    "PatientSex": {"MALE": "M", "FEMALE": "F", "OTHER": "O"},
    "Laterality": {"LEFT": "L", "RIGHT": "R", "BOTH": "B", "UNPAIRED": "U"},
}


class KeptCodes:
    """Converter of codes.

    Parameters
    ----------
    texts
        Cleaner of texts, which knows the allowed words.
    defined_terms
        Values that the standard defines, by the keyword of their attribute.
    """

    def __init__(self, texts: TextCleaner, defined_terms: Mapping[str, Collection[str]]) -> None:
        self._texts = texts
        self._defined_terms = defined_terms

    def code(self, value: str, attribute: str) -> str | None:
        """Return one code in the form in which it is kept; None if it cannot be kept.

        Parameters
        ----------
        value
            The raw value.
        attribute
            Keyword or path of the attribute.
        """
        value = value.strip(SPACES)
        # SQL has other capitals of other characters
        if not value.isascii():
            return None
        keyword = terms_keyword(attribute)
        code = value.upper()
        if term := _IN_FULL.get(keyword, {}).get(code):
            return term
        is_code_string = _CODE_STRING.fullmatch(code) is not None
        if is_code_string and (code == value or code in self._defined_terms.get(keyword, ())):
            return code
        return code if self._has_known_words(value) else None

    def form(self, value: str, attribute: str) -> str:
        """Return how one code is kept, without the value, which may identify somebody.

        Parameters
        ----------
        value, attribute
            As for `code`.

        Returns
        -------
        str
            `UNCHANGED`, `IN_CAPITALS`, the term of a value that is written in full, or empty for a
            code that is not kept.
        """
        code = self.code(value, attribute)
        if code is None:
            return ""
        value = value.strip(SPACES)
        return UNCHANGED if code == value else IN_CAPITALS if code == value.upper() else code

    def _has_known_words(self, value: str) -> bool:
        # a backslash separates values, of which the attribute has one
        if not value or len(value) > _LONGEST_WORDS or "\\" in value or not value.isprintable():
            return False
        return self._texts.clean(value, NO_TERMS) == (value, False)
