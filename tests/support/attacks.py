"""Malicious files that attack time, memory, the stack, and programs that show a text.

Belongs here: the bytes of such files, and payloads for texts and names.
Does not belong here: the expected outcomes (the tests).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from struct import pack

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from tests.support.dicom import CT

MiB = 1 << 20
UNDEFINED = 0xFFFFFFFF
ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0\0\0\0\0"
SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_LONG = {"OB", "OW", "SQ", "UC", "UN", "UT", "UR"}


def element(tag: int, vr: str, value: bytes, *, length: int | None = None) -> bytes:
    """Encode an element in explicit VR little-endian; ``length`` replaces the declared length."""
    value += b"\0" * (len(value) % 2)
    declared = len(value) if length is None else length
    head = pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    return head + (pack("<xxL", declared) if vr in _LONG else pack("<H", declared)) + value


def implicit(tag: int, value: bytes, *, length: int | None = None) -> bytes:
    """Encode an element in implicit VR little-endian."""
    value += b"\0" * (len(value) % 2)
    declared = len(value) if length is None else length
    return pack("<HHL", tag >> 16, tag & 0xFFFF, declared) + value


def begin(syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Preamble and file meta information."""
    meta = element(0x00020001, "OB", b"\0\1")
    meta += element(0x00020002, "UI", CT.encode())
    meta += element(0x00020003, "UI", b"1.2.3")
    meta += element(0x00020010, "UI", syntax.encode())
    return bytes(128) + b"DICM" + element(0x00020000, "UL", pack("<L", len(meta))) + meta


_HEAD = {
    0x00080005: ("CS", b"ISO_IR 192"),
    0x00080016: ("UI", CT.encode()),
    0x00080018: ("UI", b"1.2.3.666"),
    0x00080020: ("DA", b"20120304"),
    0x00080060: ("CS", b"CT"),
    0x00100010: ("PN", b"Muster^Karl"),
    0x00100020: ("LO", b"HOSP-4711"),
    0x0020000D: ("UI", b"1.9.100"),
    0x0020000E: ("UI", b"1.9.100.1"),
    0x00280010: ("US", b"\2\0"),
}


def whole(extra: dict[int, bytes], *, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return a valid instance with encoded elements added, or replaced if the tag is present."""
    plain = syntax == ImplicitVRLittleEndian
    elements = {
        tag: implicit(tag, value) if plain else element(tag, vr, value)
        for tag, (vr, value) in _HEAD.items()
    }
    body = b"".join(encoded for _, encoded in sorted((elements | extra).items()))
    if syntax == DeflatedExplicitVRLittleEndian:
        return begin(syntax) + deflated(body)
    return begin(syntax) + body


def deflated(body: bytes) -> bytes:
    """Compress a data set as the deflated transfer syntax does (PS3.5 A.5)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def bomb(inflated: int, extra: bytes = b"") -> bytes:
    """Return a deflated file that inflates to a given size: a header and a large private value."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = b"".join(element(tag, vr, value) for tag, (vr, value) in _HEAD.items())
    parts = [packer.compress(head + extra)]
    last = element(0x7FE00010, "OW", b"", length=inflated & ~1)
    parts.append(packer.compress(last))
    zeros = bytes(MiB)
    parts += [packer.compress(zeros) for _ in range(inflated // MiB)]
    return begin(DeflatedExplicitVRLittleEndian) + b"".join(parts) + packer.flush()


def deep(depth: int, *, undefined: bool = True, tag: int = 0x00081115) -> bytes:
    """Return sequences nested to a given depth; the default tag is a mapped attribute."""
    if undefined:
        start = element(tag, "SQ", b"", length=UNDEFINED) + ITEM + pack("<L", UNDEFINED)
        return start * depth + (ITEM_END + SEQUENCE_END) * depth
    heads = []
    length = 0
    for _ in range(depth):
        heads.append(element(tag, "SQ", b"", length=length + 8) + ITEM + pack("<L", length))
        length += 20
    return b"".join(reversed(heads))


def many(count: int) -> bytes:
    """Return a number of elements that no dictionary lists."""
    parts = []
    for n in range(count):
        group, number = 0x0011 + 2 * (n // 60_000), 0x1000 + n % 60_000
        parts.append(pack("<HH2sH", group, number, b"SH", 2) + b"ab")
    return b"".join(parts)


def creators(count: int) -> bytes:
    """Return a number of private creators, each with one element."""
    encoded = {}
    for n in range(count):
        group, block = (0x0009 + 2 * (n // 200)) << 16, 0x10 + n % 200
        encoded[group | block] = element(group | block, "LO", b"CREATOR %06d" % n)
        encoded[group | block << 8] = element(group | block << 8, "UN", b"x" * 8)
    return b"".join(value for _, value in sorted(encoded.items()))


def items(count: int, tag: int = 0x00081115) -> bytes:
    """Return a sequence with a number of empty items."""
    return element(tag, "SQ", (ITEM + bytes(4)) * count)


def _put(tag: int, vr: str, value: bytes, length: int | None = None) -> Callable[[], bytes]:
    """Return a function that makes a valid instance with this element."""
    return lambda: whole({tag: element(tag, vr, value, length=length)})


def _fill(tag: int, vr: str, size: int, fill: bytes = b"A") -> Callable[[], bytes]:
    """Return a function that makes a valid instance with a value of this size."""
    return lambda: whole({tag: element(tag, vr, fill * (size // len(fill)))})


def _character_set(value: bytes, length: int | None = None) -> Callable[[], bytes]:
    """Use implicit encoding, in which the length of Specific Character Set has 32 bits."""
    encoded = implicit(0x00080005, value, length=length)
    return lambda: whole({0x00080005: encoded}, syntax=ImplicitVRLittleEndian)


def _wrong_group_length() -> bytes:
    first = element(0x00020000, "UL", b"\xfe\xff\xff\xff")
    file = whole({})
    return file[:132] + first + file[132 + len(first) :]


def _in_item(encoded: bytes) -> bytes:
    return ITEM + pack("<L", UNDEFINED) + encoded + ITEM_END + SEQUENCE_END


def _escape(charset: bytes, text: bytes) -> Callable[[], bytes]:
    texts = ((0x00080005, "CS", charset), (0x00100010, "PN", text), (0x00081030, "LO", text))
    return lambda: whole({tag: element(tag, vr, value) for tag, vr, value in texts})


MAPPED, NOT_MAPPED, PRIVATE = 0x00081115, 0x00089215, 0x00091010  # sequences
COMMENTS, NAME, ADDRESS, SIZE = 0x00104000, 0x00100010, 0x00101040, 0x00101020
_ESCAPES = (
    (b"\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b"),
    (b"\\ISO 2022 IR 87", b"Yamada=\x1b$"),
    (b"\\ISO 2022 IR 149", b"\x1b$)C\xd1"),
    (b"\\ISO 2022 IR 58", b"\x1b$)A\xcd"),
    (b"ISO 2022 IR 13\\ISO 2022 IR 87", b"\xd4\x1b(J\x1b$B;"),
    (b"ISO_IR 192", b"\xe6\xbc"),
    (b"GB18030", b"\x81\x30\x81"),
    (b"\\ISO 2022 IR 87" * 4000, b"\x1b$B" * 300),
    (b"rot13\\hex_codec", b"41"),
    (b"../../etc/passwd\\idna", b"xn--"),
)
FILES: dict[str, Callable[[], bytes]] = {
    # declared lengths that exceed the file
    "4 GiB declared, text": _put(0x00324000, "UT", b"ab", 0xFFFFFFFE),
    "4 GiB declared, private": _put(0x00190010, "OB", b"ab", 0xFFFFFFFE),
    "4 GiB declared, sequence": _put(MAPPED, "SQ", ITEM + b"\xfe\xff\xff\xff", 0xFFFFFFFE),
    "4 GiB declared, character set": _character_set(b"ISO_IR 192", 0xFFFFFFFE),
    "4 GiB declared, file meta": _wrong_group_length,
    # nesting depth
    "10,000 deep, undefined": lambda: whole({MAPPED: deep(10_000)}),
    "10,000 deep, defined": lambda: whole({MAPPED: deep(10_000, undefined=False)}),
    "10,000 deep, unwanted": lambda: whole({NOT_MAPPED: deep(10_000, tag=NOT_MAPPED)}),
    "10,000 deep, private": lambda: whole({PRIVATE: deep(10_000, tag=PRIVATE)}),
    "500 deep": lambda: whole({MAPPED: deep(500)}),
    "200,000 deep, never closed": lambda: whole({MAPPED: deep(200_000)[: 200_000 * 20]}),
    # deflated data
    "deflate bomb of 2 GiB": lambda: bomb(2048 * MiB),
    "deflate bomb in the header": lambda: bomb(
        1024 * MiB, element(0x00190010, "OB", b"", length=1024 * MiB)
    ),
    "deflate bomb of elements": lambda: (
        begin(DeflatedExplicitVRLittleEndian) + deflated(many(1_000_000))
    ),
    "deflated, cut off": lambda: whole({}, syntax=DeflatedExplicitVRLittleEndian)[:-20],
    # numbers
    "a million elements": lambda: whole({0x00110000: many(1_000_000)}),
    "10,000 private creators": lambda: whole({0x00090010: creators(10_000)}),
    "a million items": lambda: whole({MAPPED: items(1_000_000)}),
    "100,000 items": lambda: whole({MAPPED: items(100_000)}),
    "a million values": _fill(0x00080008, "UT", 1_000_000, b"\\"),
    # size
    "text of 100 MB": _fill(COMMENTS, "UT", 100_000_000),
    "private value of 100 MB": _fill(0x00191001, "OB", 100_000_000),
    "100 MB in a sequence": lambda: whole(
        {MAPPED: element(MAPPED, "SQ", _in_item(element(0x00081150, "UT", b"1" * 100_000_000)),
                       length=UNDEFINED)}
    ),
    "character set of 100 MB": lambda: _character_set(b"A" * 100_000_000)(),
    "text of 1 MiB": _fill(COMMENTS, "UT", MiB - 2),
    "text of 1 MiB of short words": _fill(COMMENTS, "UT", MiB - 2, b"a1 "),
    "name of 1 MiB": _fill(NAME, "UT", MiB - 2, b"Ab^Cd=Ef^ "),
    "address of 1 MiB": _fill(ADDRESS, "UT", MiB - 2, b"a b,c@d "),
    "digits of 1 MiB": _fill(SIZE, "UT", MiB - 2, b"1"),
    "number of 1 MiB that ends badly": lambda: whole(
        {MAPPED: implicit(MAPPED, ITEM + pack("<L", MiB)
                        + implicit(0x00081160, b"1" * (MiB - 10) + b"xy"))},
        syntax=ImplicitVRLittleEndian,
    ),
    # character sets
    **{f"cut-off escape {n}": _escape(*one) for n, one in enumerate(_ESCAPES)},
}  # fmt: skip

# payloads that must remain plain text in SQL, templates, pages, spreadsheets and terminals
PAYLOADS = {
    "sql": "'); drop table processed.processed_images; --",
    "sql, double quotes": "\"; attach 'zqx' as zqx; --",
    "jinja, expression": "{{ env_var('HOME') }}",
    "jinja, statement": "{% do run_query('drop schema stage cascade') %}",
    "jinja, comment": "{# zqx",
    "script": "<script>alert('zqx')</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "entity": "&lt;b&gt;&amp;#x3c;",
    "markdown, link": "[zqx](javascript:alert(1))",
    "markdown, table": "| a | b |\\n|---|---|",
    "markdown, code": "``` zqx ```",
    "markdown, image": "![zqx](http://192.0.2.1/zqx.png)",
    "formula": "=cmd|'/C calc'!A0",
    "formula, plus": "+1+1",
    "formula, minus": "-1+1",
    "formula, at": "@SUM(1+1)",
    "formula, tab": "\t=1+1",
    "formula, wide": "＝1+1",
    "terminal, title": "\x1b]0;zqx\x07",
    "terminal, screen": "\x1b[2J\x1b[H",
    "terminal, link": "\x1b]8;;http://192.0.2.1\x1b\\zqx\x1b]8;;\x1b\\",
    "terminal, clipboard": "\x1b]52;c;enF4\x07",
    "terminal, c1": "\x9b31mzqx\x9c",
    "bidi": "\u202egpj.zqx\u2066",
    "line separators": "zqx\u2028zqx\x85zqx\x0bzqx",
    "rich": "[red]zqx[/red] [/zqx] [link=http://192.0.2.1]",
    "mathtext": "$\\frac{zqx$",
    "dollars": "$$",
    "format": "%s%n{0}%(zqx)s${HOME}`id`$(id)",
    "path": "../../../../etc/passwd",
    "null": "NULL",
    "nul": "zqx\0zqx",
    "lone mark": "\u0301\u200d\ufeff",
    "json": '"}], "zqx": [{"',
}  # fmt: skip
