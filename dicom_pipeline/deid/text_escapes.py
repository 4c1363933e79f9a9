r"""Characters that a program wrote as an escape: ``&#252;``, ``%C3%BC``, ``\u00fc``.

They come from web pages, addresses and files of other programs. A name with such an escape is not
equal to the name, so texts are cleaned, and published, with the characters themselves.

Belongs here: the forms of escapes, and their characters.
Does not belong here: equal characters (text_normal).
"""

from __future__ import annotations

import html
import re

# Only complete forms: R&D, 50 % and TE=90 are no escapes.
_HTML = re.compile("&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[a-zA-Z][a-zA-Z0-9]{1,31};)")
_PERCENT = re.compile("(?<![0-9])(?:%[0-9a-fA-F]{2})+")
_QUOTED = re.compile("(?:=[C-F][0-9A-F](?:=[89AB][0-9A-F]){1,3})+")
# no surrogates, which are no characters
_UNICODE = re.compile(r"\\u(?![dD][89a-fA-F])([0-9a-fA-F]{4})")
_HEX = re.compile("[0-9a-fA-F]{2}")
# an escape may be escaped itself
_MOST_PASSES = 4


def unescaped(text: str) -> str:
    """Return a text with the characters that its escapes stand for."""
    if not ("&" in text or "%" in text or "=" in text or "\\" in text):
        return text
    for _ in range(_MOST_PASSES):
        before = text
        if "&" in text:
            text = _HTML.sub(lambda match: html.unescape(_closed(match[0])), text)
        if "%" in text:
            text = _PERCENT.sub(_of_bytes, text)
        if "=" in text:
            text = _QUOTED.sub(_of_bytes, text)
        if "\\" in text:
            text = _UNICODE.sub(lambda match: chr(int(match[1], 16)), text)
        if text == before:
            break
    return text


def _closed(escape: str) -> str:
    return escape if escape.endswith(";") else f"{escape};"


def _of_bytes(match: re.Match[str]) -> str:
    written = bytes.fromhex("".join(_HEX.findall(match[0])))
    try:
        found = written.decode("utf-8")
    except UnicodeDecodeError:
        found = written.decode("latin-1")
    # other escapes, such as those of line breaks, hide nothing
    return found if any(c.isalnum() for c in found) or found.isspace() else match[0]
