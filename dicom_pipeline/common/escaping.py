"""Escaping of untrusted text, such as file names, for output.

Belongs here: characters that terminals, spreadsheets and Markdown interpret.
Does not belong here: HTML (the report's template escapes), and any output.
"""

from __future__ import annotations

import unicodedata

# control characters, bidirectional controls, and unpaired surrogates
_ACTIVE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# first characters of a formula, with the full-width forms that spreadsheets accept
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*[]<>|"})


def escape_control_chars(text: str) -> str:
    r"""Replace control characters by visible escapes, such as ``\x1b`` for ESC."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _ACTIVE else c for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def csv_safe(value: object) -> object:
    """Return a value for a CSV cell; a text that looks like a formula gets an apostrophe."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def markdown(text: str) -> str:
    """Escape a text for a cell of a Markdown table."""
    return escape_control_chars(text).translate(_MARKDOWN)
