"""Values that were decoded once, remembered by their bytes: headers repeat most of theirs.

Belongs here: the caches of the fast reader and their bounds.
Does not belong here: how a value becomes text (values), and where it stands in a file (walk).
"""

from __future__ import annotations

from collections.abc import Sequence

from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired
from dicom_pipeline.headers.values import text_of

REMEMBERED = 8192  # values of one VR; beyond that all are forgotten, and the next come in
LONGEST_REMEMBERED = 256


class Unreadable:
    """Counts the wanted values of the header that is being read which have no text."""

    def __init__(self) -> None:
        self.count = 0


class Texts(dict[bytes, str | None]):
    """Text of values of one VR in one character set: ``texts[value]``.

    Parameters
    ----------
    vr, encodings
        See `text_of`.
    unreadable
        Counts values that have no text; they are not remembered.
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
        if len(value) <= LONGEST_REMEMBERED:
            if len(self) >= REMEMBERED:
                self.clear()
            self[value] = text
        return text


class Decoder(dict[str, Texts]):
    """The texts of each VR in one character set: ``decoder[vr][value]``.

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
    """UIDs as they are, but for the padding: for the file's own group, where they must be exact."""

    def __missing__(self, vr: str) -> Texts:
        if vr != "UI":
            raise FallbackRequired(FallbackReason.FILE_META)
        self[vr] = _Exact(vr, (), self._unreadable)
        return self[vr]


class _Exact(Texts):
    def __missing__(self, value: bytes) -> str | None:
        return value.rstrip(b"\0").decode("latin-1") or None
