"""Encoded elements and files, with any length, VR or delimiter that a test asks for."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import pack

from tests.support.dicom import CT, SYNTAXES

_LONG = (b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT", b"UC", b"UR", b"OD", b"OL", b"OV")
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True)
class Writer:
    """Encoder of elements in one transfer syntax (a key of `SYNTAXES`)."""

    syntax: str

    @property
    def implicit(self) -> bool:
        return self.syntax == "implicit"

    @property
    def order(self) -> str:
        return ">" if self.syntax == "big endian" else "<"

    def element(self, tag: int, vr: str | bytes, value: bytes, length: int | None = None) -> bytes:
        """Return an element; ``length`` is the declared one."""
        name = vr if isinstance(vr, bytes) else vr.encode()
        if length is None and len(value) % 2:
            value += b"\0" if name in (b"UI", b"OB", b"UN") else b" "
        length = len(value) if length is None else length
        head = pack(f"{self.order}HH", tag >> 16, tag & 0xFFFF)
        if self.implicit:
            return head + pack(f"{self.order}L", length) + value
        if name in _LONG:
            return head + name + pack(f"{self.order}HL", 0, length) + value
        return head + name + pack(f"{self.order}H", length) + value

    def number(self, tag: int, value: int) -> bytes:
        return self.element(tag, "US", pack(f"{self.order}H", value))

    def mark(self, number: int, length: int = 0) -> bytes:
        """Return an item (E000), the end of an item (E00D) or of a sequence (E0DD)."""
        return pack(f"{self.order}HHL", 0xFFFE, number, length)

    def item(self, content: bytes, *, defined: bool, end: bytes | None = None) -> bytes:
        """Return an item; ``end`` replaces the delimiter."""
        if defined:
            return self.mark(0xE000, len(content)) + content + (end or b"")
        closing = self.mark(0xE00D) if end is None else end
        return self.mark(0xE000, _UNDEFINED) + content + closing

    def sequence(
        self, tag: int, *items: bytes, defined: bool, end: bytes | None = None, vr: str = "SQ"
    ) -> bytes:
        """Return a sequence; ``end`` replaces the delimiter."""
        content = b"".join(items)
        if defined:
            return self.element(tag, vr, content, len(content)) + (end or b"")
        closing = self.mark(0xE0DD) if end is None else end
        return self.element(tag, vr, content + closing, _UNDEFINED)

    def pixels(self, data: bytes = bytes(512)) -> bytes:
        return self.element(0x7FE00010, "OW", data)

    def file(self, body: bytes, uid: str = "1.2.3.1") -> bytes:
        """Return a file with this data set."""
        meta = Writer("explicit")
        elements = (
            meta.element(0x00020001, "OB", b"\0\1")
            + meta.element(0x00020002, "UI", CT.encode())
            + meta.element(0x00020003, "UI", uid.encode())
            + meta.element(0x00020010, "UI", SYNTAXES[self.syntax].encode())
        )
        if self.syntax == "deflated":
            deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            body = deflate.compress(body) + deflate.flush()
        group_length = meta.element(0x00020000, "UL", pack("<L", len(elements)))
        return bytes(128) + b"DICM" + group_length + elements + body
