"""Clean the items of a sequence, in the JSON text of the raw zone.

Extraction writes each element on a line of its own (headers.sequence_json). A line is a bracket of
an item, the start or the end of a sequence, or an element with its values (a leaf). Every element
stays where it is, without a value if that must be removed; of a nested sequence that is removed
only its element stays.

Belongs here: the structure of sequences, and the choice of what happens to each value.
Does not belong here: single values (sequence_values), texts (text_cleaning), codes (kept_codes,
kept_values).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.deid.cleaning.kept_codes import KeptCodes
from dicom_pipeline.deid.cleaning.kept_values import KeptValues, Kind
from dicom_pipeline.deid.cleaning.own_terms import OwnTerms
from dicom_pipeline.deid.cleaning.sequence_values import (
    CODING_SCHEMES,
    action_of_vr,
    deidentified_value,
    is_code_value,
)
from dicom_pipeline.deid.cleaning.text_cleaning import TextCleaner
from dicom_pipeline.mapping.sequence_attributes import SequenceAttribute

_ITEM_LINES = frozenset({"{", "}", "},"})
_END_LINES = frozenset({"]}", "]},"})
_START = re.compile(r'"[0-9A-F]{8}": \{"vr": "SQ", "Value": \[')
_LEAF = re.compile(r'"[0-9A-F]{8}": \{"vr": "[A-Z]{2}"(?:, "Value": (\[.*\]))?\},?')
_HEAD = 23  # characters of a line before its values: "00280010": {"vr": "US"
_NUMBER = "-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?"
_TAG = '"[0-9A-F]{8}"'
# lists whose values stay as they are
_LISTS = {
    action: re.compile(rf"\[(?:null|{value})(?:, (?:null|{value}))*\]")
    for action, value in (("keep_number", _NUMBER), ("keep_tag", _TAG))
}
# five digits, or any number with an exponent
_MAYBE_LONG = re.compile("[0-9]{5}|[0-9][eE]")
# no identifier or count of nanoseconds is longer
_MOST_DIGITS = 64
_WITHOUT_TEXTS = frozenset({"remove", *_LISTS})
_SCHEME_LISTS = frozenset(f'["{scheme}"]' for scheme in CODING_SCHEMES)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class CleanedSequence(NamedTuple):
    """Result of cleaning a sequence.

    Attributes
    ----------
    text
        The cleaned sequence as JSON; None if extraction did not write the sequence.
    is_leaked
        Whether a code was removed because it identifies somebody.
    failed
        Whether cleaning raised an exception, in the sequence, which is removed as a whole, or in
        one of its texts, which is removed then.
    """

    text: str | None
    is_leaked: bool = False
    failed: bool = False


class SequenceCleaner:
    """Cleaner of sequences under one profile.

    Parameters
    ----------
    attributes
        Treatment of elements by tag.
    profile
        Decides about all other elements, by their VR.
    texts
        Cleans free text.
    defined_terms
        Values that the standard defines, by the keyword of their attribute.
    """

    def __init__(
        self,
        attributes: Mapping[str, SequenceAttribute],
        profile: Profile,
        texts: TextCleaner,
        defined_terms: Mapping[str, Collection[str]],
    ) -> None:
        self._attributes = attributes
        self._profile = profile
        self._texts = texts
        self.codes = KeptCodes(texts, defined_terms)
        self.kept = KeptValues(texts, defined_terms)

    def clean(
        self,
        text: str,
        own: OwnTerms,
        *,
        shift_days: int,
        uid: Callable[[str], str],
    ) -> CleanedSequence:
        """Clean a sequence.

        Parameters
        ----------
        text
            The sequence as extraction wrote it.
        own
            Terms of the patient, as for texts.
        shift_days
            Days by which the patient's dates go back.
        uid
            Returns the replacement of a UID.
        """
        try:
            return _Sequence(self, own, shift_days, uid).clean(text)
        except Exception:  # noqa: BLE001 - its message may quote the text
            return CleanedSequence(None, failed=True)

    def action(self, head: str) -> str:
        """Return the function for an element, given the beginning of its line."""
        attribute = self._attributes.get(head[1:9])
        return attribute.action if attribute else action_of_vr(head[20:22], self._profile)

    def keyword(self, tag: str) -> str:
        """Return the keyword of an element; empty if the seed does not name it."""
        attribute = self._attributes.get(tag)
        return attribute.keyword if attribute else ""

    def clean_text(self, text: str, own: OwnTerms) -> tuple[str | None, bool]:
        """Clean a free text; return it, and whether that failed."""
        return self._texts.clean(text, own)


class _Sequence:
    """The cleaning of one sequence, in which equal values are cleaned once."""

    def __init__(
        self,
        cleaner: SequenceCleaner,
        own: OwnTerms,
        shift_days: int,
        uid: Callable[[str], str],
    ) -> None:
        self._cleaner = cleaner
        self._own = own
        self._shift_days = shift_days
        self._uid = uid
        self._known: dict[tuple[str, str, str], str | None] = {}
        self._leaks: dict[tuple[str, str], bool] = {}
        self._found_leak = False
        self._failed = False

    def clean(self, text: str) -> CleanedSequence:
        lines = _lines_of(text)
        if lines is None:
            return CleanedSequence(None)
        kept: list[str] = []
        open_sequences: list[bool] = []  # whether each is removed
        removed_depth = 0
        for number, line in enumerate(lines):
            if line in _ITEM_LINES:
                fragment = line
            elif line in _END_LINES:
                fragment = line
                if open_sequences and open_sequences.pop():
                    removed_depth -= 1
                    fragment = line.replace("]", "")
            elif _START.fullmatch(line):
                is_removed = self._cleaner.action(line) == "remove"
                open_sequences.append(is_removed)
                fragment = line
                if is_removed:
                    if not removed_depth:
                        kept.append(line[:_HEAD])
                    removed_depth += 1
            elif leaf := _LEAF.fullmatch(line):
                # a code counts as leaked in a sequence that is removed, too
                fragment = self._leaf(line, leaf[1], lines[number + 1 : number + 2])
            else:
                return CleanedSequence(None)
            if not removed_depth:
                kept.append(fragment)
        cleaned = f"[{''.join(kept)}]"
        if not _is_json(cleaned):  # an element that extends over several lines
            return CleanedSequence(None)
        return CleanedSequence(cleaned, self._found_leak, self._failed)

    def _leaf(self, line: str, values: str | None, following: list[str]) -> str:
        """Return the line of an element with its cleaned values."""
        action = self._cleaner.action(line)
        head, end = line[:_HEAD], "}," if line.endswith(",") else "}"
        if values is None:
            return head + end
        if action in _LISTS and _LISTS[action].fullmatch(values):
            if action == "keep_number":
                values = self._numbers(values)
            return f'{head}, "Value": {values}{end}' if values != "[null]" else head + end
        texts = None if action in _WITHOUT_TEXTS else _texts(values)
        if not texts:
            return head + end
        has_scheme = action == "code_value" and self._has_scheme(following)
        cleaned = [
            None if text is None else self._value(action, line[1:9], text, has_scheme=has_scheme)
            for text in texts
        ]
        if cleaned == [None]:
            return head + end
        return f'{head}, "Value": {json.dumps(cleaned, ensure_ascii=False)}{end}'

    def _numbers(self, values: str) -> str:
        """Return a list of numbers without those that are an identifier or date of the patient."""
        if not _MAYBE_LONG.search(values):
            return values
        numbers = values[1:-1].split(", ")
        own = self._own
        kept = [
            "null" if (whole := _whole_number(number)) and own.has_number(whole) else number
            for number in numbers
        ]
        self._found_leak |= kept != numbers
        return f"[{', '.join(kept)}]"

    def _has_scheme(self, following: list[str]) -> bool:
        """Whether the next line names a coding scheme of the standard."""
        for line in following:
            leaf = _LEAF.fullmatch(line)
            if leaf and leaf[1] in _SCHEME_LISTS:
                return self._cleaner.action(line) == "coding_scheme"
        return False

    def _value(self, action: str, tag: str, text: str, *, has_scheme: bool) -> str | None:
        if action == "keep_code":
            return self._code(tag, text)
        if (action == "coding_scheme" and text in CODING_SCHEMES) or (
            action == "code_value" and has_scheme and is_code_value(text)
        ):
            return None if self._is_leaked(tag, text, Kind.LISTED) else text
        if action in ("clean_text", "coding_scheme", "code_value"):
            return self._cleaned(text)
        return deidentified_value(action, text, shift_days=self._shift_days, uid=self._uid)

    def _cleaned(self, text: str) -> str | None:
        key = ("clean_text", "", text)
        if key not in self._known:
            self._known[key], failed = self._cleaner.clean_text(text, self._own)
            self._failed |= failed
        return self._known[key]

    def _code(self, tag: str, text: str) -> str | None:
        code = self._cleaner.codes.code(text, self._cleaner.keyword(tag))
        return None if self._is_leaked(tag, text, Kind.CODE) else code

    def _is_leaked(self, tag: str, text: str, kind: Kind) -> bool:
        key = (tag, text)
        if key not in self._leaks:
            kept, keyword = self._cleaner.kept, self._cleaner.keyword(tag)
            found = kept.names_patient(
                text, keyword, self._own, kind, is_array=False
            ) or kept.has_identifier(text, keyword, kind, is_array=False)
            self._leaks[key] = found
            self._found_leak |= found
        return self._leaks[key]


def _whole_number(number: str) -> int | None:
    """Return a number if its decimal places are zeros."""
    if number == "null":
        return None
    if number.isdigit():
        return int(number) if len(number) <= _MOST_DIGITS else None
    value = float(number)
    return int(value) if value.is_integer() and abs(value) < 10**_MOST_DIGITS else None


def _lines_of(text: str) -> list[str] | None:
    """Return the lines between the brackets of a sequence; None if it is not valid JSON."""
    if not (text.startswith("[\n") and text.endswith("\n]") and len(text) > 4):
        return None
    if not _is_json(text):
        return None
    return text[2:-2].split("\n")


def _is_json(text: str) -> bool:
    try:
        parsed = json.loads(text)
        if _SURROGATE.search(text):  # half of a pair is not a character
            json.dumps(parsed, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


def _texts(values: str) -> list[str | None] | None:
    """Return the values of a list as text; None if it is not a list."""
    try:
        parsed = json.loads(values)
    except ValueError:
        return None
    return [_text(value) for value in parsed]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
