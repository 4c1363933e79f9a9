"""Texts that others wrote, such as names of files, made harmless for what shows them.

Belongs here: what terminals, spreadsheets and Markdown take for more than text.
Does not belong here: HTML (the report's template escapes), and any output.
"""

from __future__ import annotations

import unicodedata

# control characters, those that turn the direction of what follows, and halves of none
_ACTIVE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# what begins a formula, also in the wide forms that spreadsheets take for them
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*[]<>|"})


def escape_control_chars(text: str) -> str:
    r"""A text of which each character shows and none acts, as ``\x1b`` stands for an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _ACTIVE else c for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def cell(value: object) -> object:
    """A cell of CSV that no spreadsheet takes for a formula: such texts get an apostrophe."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def markdown(text: str) -> str:
    """A text as Markdown, in a cell of a table."""
    return escape_control_chars(text).translate(_MARKDOWN)
