"""Cache of decoded values by their bytes; most values repeat from header to header.

Belongs here: the caches of the fast reader and their limits.
Does not belong here: conversion of a value to text (values), and finding it (element_walk).
"""

from __future__ import annotations

from collections.abc import Sequence

from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired
from dicom_pipeline.headers.values import text_of

CACHED = 8192  # values of one VR; a full cache is cleared and filled again
LONGEST_CACHED = 256  # bytes


class Unreadable:
    """Counter of wanted values in the current header that could not be converted to text."""

    def __init__(self) -> None:
        self.count = 0


class Texts(dict[bytes, str | None]):
    """Texts of values of one VR in one character set: ``texts[value]``.

    Parameters
    ----------
    vr, encodings
        See `text_of`.
    unreadable
        Counts values that could not be converted; they are not cached.
    """

    def __init__(self, vr: str, encodings: Sequence[str], unreadable: Unreadable) -> None:
        super().__init__()
        self._vr = vr
        self._encodings = tuple(encodings)
        self._unreadable = unreadable

    def __missing__(self, value: bytes) -> str | None:
        try:
            text = text_of(self._vr, value, self._encodings)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - one broken value must not cost the file its row
            self._unreadable.count += 1
            return None
        if len(value) <= LONGEST_CACHED:
            if len(self) >= CACHED:
                self.clear()
            self[value] = text
        return text


class Decoder(dict[str, Texts]):
    """Texts of each VR in one character set: ``decoder[vr][value]``.

    Parameters
    ----------
    encodings, unreadable
        See `Texts`.
    """

    def __init__(self, encodings: Sequence[str], unreadable: Unreadable) -> None:
        super().__init__()
        self._encodings = encodings
        self._unreadable = unreadable

    def __missing__(self, vr: str) -> Texts:
        self[vr] = Texts(vr, self._encodings, self._unreadable)
        return self[vr]


class UidDecoder(Decoder):
    """Decoder of UIDs without padding, otherwise unchanged; for the file meta information."""

    def __missing__(self, vr: str) -> Texts:
        if vr != "UI":
            raise FallbackRequired(FallbackReason.FILE_META)
        self[vr] = _ExactUids(vr, (), self._unreadable)
        return self[vr]


class _ExactUids(Texts):
    def __missing__(self, value: bytes) -> str | None:
        return value.rstrip(b"\0").decode("latin-1") or None
