"""Walk over the structure of a header: whether it is whole, and what has to be repaired.

Belongs here: where the header ends, elements out of step, and the faults that other readers of
DICOM recover from.
Does not belong here: what follows an element (lookahead), values (values), and parsing with
pydicom (pydicom_reader).

A parser that is out of step takes text or pixels for elements, and usually ends early without an
error. So a header counts as read only if this walk ends at the end of the file, at pixel data, or
at a credible element after the last wanted one. These faults are repaired and counted:

- an item or sequence delimiter where nothing is open (written by some after defined lengths);
- a sequence delimiter where an item has to end, and a sequence without its delimiter;
- an element after the last wanted one that is followed by wanted ones;
- an unknown VR in an explicit data set: its length has two bytes, or four bytes if only that
  leads to a credible element (DCMTK and fo-dicom read such files too).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from struct import Struct, pack

from dicom_pipeline.headers.element_header import LONG, SHORT, UNDEFINED, WIDEST, UnexpectedEnd
from dicom_pipeline.headers.files.buffered_reader import BufferedReader
from dicom_pipeline.headers.files.repaired_file import Edit
from dicom_pipeline.headers.possible_tags import is_certain, is_known, is_possible, vr_by_dictionary
from dicom_pipeline.headers.structure.lookahead import (
    DELIMITERS,
    ITEM,
    ITEM_END,
    ITEM_OR_END,
    SEQUENCE_END,
    Lookahead,
)
from dicom_pipeline.headers.structure.result import Encoding, Fault, Malformed, Structure

LARGEST_SEQUENCE = 1 << 20  # bytes; a larger unwanted one is not given to pydicom
# Float, Double Float and Pixel Data; whatever follows such a tag, the walk was in step
PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})


class _Kind(StrEnum):
    DATA_SET = "data set"
    SEQUENCE = "sequence"
    ITEM = "item"
    FRAGMENTS = "fragments"


@dataclass(slots=True)
class _Container:
    """An open container.

    ``end`` is None if its length is undefined, ``bound`` the end of the smallest container with a
    defined length around it, ``length_at`` the offset of its length. ``deep``: whether sequences of
    defined length inside are checked. ``unknown``: whether it is a sequence of VR UN. ``creators``:
    group and block of the private creators inside.
    """

    kind: _Kind
    start: int
    end: int | None
    bound: int
    length_at: int
    edits_before: int
    implicit: bool
    deep: bool
    tag: int = 0
    unknown: bool = False
    creators: set[int] = field(default_factory=set)


class _End(Exception):
    """The walk has reached its end."""


class StructureWalk:
    """Walk over one data set.

    Parameters
    ----------
    at
        Position of the first element; it is advanced.
    encoding
        Encoding of the data set.
    last
        Tag of the last wanted element.
    sequences
        Tags of the wanted sequences. They are checked to their end, other sequences only if their
        length is undefined.
    """

    def __init__(
        self, at: BufferedReader, encoding: Encoding, last: int, sequences: frozenset[int]
    ) -> None:
        self._at = at
        self._last = last
        self._sequences = sequences
        self._order = order = "<" if encoding.little_endian else ">"
        self._tag = Struct(f"{order}HH").unpack_from
        self._short = Struct(f"{order}H").unpack_from
        self._long = Struct(f"{order}L").unpack_from
        self._ahead = Lookahead(at, order)
        self._found = Structure()
        self._credible = True  # whether the last element certainly was one
        self._beyond: list[tuple[int, int]] = []  # range of an element after the last wanted one
        begin = self._position
        self._stack = [
            _Container(_Kind.DATA_SET, begin, None, at.size, 0, 0, encoding.implicit, deep=False)
        ]

    @property
    def _position(self) -> int:
        return self._at.start + self._at.offset

    def run(self) -> Structure:
        """Walk to the end of the header.

        Raises
        ------
        Malformed
            The header is out of step.
        UnexpectedEnd
            The file ends inside the header.
        """
        try:
            while True:
                self._step()
        except _End:
            self._found.edits.sort(key=lambda edit: edit.offset)
            return self._found

    def skip(self, tag: int, vr: str | None, width: int) -> int:
        """Skip one element of undefined length; return the number of repaired faults.

        Raises
        ------
        Malformed, UnexpectedEnd
            As for `run`.
        """
        self._open(tag, vr, width, UNDEFINED)
        while len(self._stack) > 1:
            self._step()
        return self._found.recovered

    def _step(self) -> None:
        """Take one element, item or delimiter."""
        at, inside = self._at, self._stack[-1]
        position = at.start + at.offset
        if position >= inside.bound and len(self._stack) > 1:
            if inside.end is None:
                raise (UnexpectedEnd() if inside.bound >= at.size else Malformed(Fault.SEQUENCE))
            self._close()
            return
        if len(at.data) - at.offset < WIDEST and (available := at.ensure(WIDEST)) < 8:
            self._end_of_file(available)
        group, number = self._tag(at.data, at.offset)
        if group == DELIMITERS:
            self._delimiter(inside, number)
        elif inside.kind is _Kind.ITEM or inside.kind is _Kind.DATA_SET:
            self._element(inside, group, number)
        elif inside.kind is _Kind.SEQUENCE and inside.end is None:
            self._insert(SEQUENCE_END)
            self._close()
        else:
            raise Malformed(Fault.SEQUENCE)

    def _end_of_file(self, available: int) -> None:
        at = self._at
        if len(self._stack) > 1 or at.left != available:
            raise UnexpectedEnd
        if at.data[at.offset :].strip(b"\0"):
            raise UnexpectedEnd
        raise _End

    def _element(self, inside: _Container, group: int, number: int) -> None:
        at, tag = self._at, group << 16 | number
        top = len(self._stack) == 1
        if top and tag in PIXEL_DATA:
            raise _End
        if inside.implicit:
            vr, width, (length,) = None, 8, self._long(at.data, at.offset + 4)
            self._credible = is_known(tag)
            if not is_possible(tag) and not (
                group and self._ahead.leads_on(inside, tag, width, length)
            ):
                raise Malformed(Fault.TAG)
        else:
            vr, width, length = self._explicit(inside, tag)
            self._credible = True
        if group % 2 and 0x10 <= number <= 0xFF:
            inside.creators.add(group << 8 | number)
        if top:
            self._top(tag, vr, width, length)
        if length == UNDEFINED:
            self._open(tag, vr, width, length)
            return
        if self._position + width + length > inside.bound:
            ended = inside.bound >= at.size and (self._credible or group % 2)
            raise UnexpectedEnd() if ended else Malformed(Fault.LENGTH)
        if (
            (inside.deep or (top and tag in self._sequences))
            and length
            and (vr == "SQ" or (vr is None and vr_by_dictionary(tag) == "SQ"))
        ):
            self._open(tag, vr, width, length)
            return
        at.skip(width + length)

    def _top(self, tag: int, vr: str | None, width: int, length: int) -> None:
        """Note an element of the data set, or end the walk.

        The walk goes on after a private tag, or one that the dictionary has not with this VR: it
        may be a wanted element with a wrong tag, and others may follow it.
        """
        left = self._at.left
        if tag <= self._last:
            self._found.tags.add(tag)
            edits = self._found.edits
            for start, size in self._beyond:  # pydicom would stop there
                edits[:] = [edit for edit in edits if not start <= edit.offset < start + size]
                edits.append(Edit(start, size, b""))
                self._found.recovered += 1
            self._beyond.clear()
            return
        if length != UNDEFINED and width + length > left:
            raise UnexpectedEnd() if self._credible else Malformed(Fault.LENGTH)
        if is_certain(tag, vr):
            raise _End
        if length != UNDEFINED:
            self._beyond.append((self._position, width + length))

    def _explicit(self, inside: _Container, tag: int) -> tuple[str, int, int]:
        """Return VR, size of the header and length of the value; repair the header if needed."""
        at = self._at
        name = at.data[at.offset + 4 : at.offset + 6]
        if vr := SHORT.get(name):
            return vr, 8, self._short(at.data, at.offset + 6)[0]
        if vr := LONG.get(name):
            if at.ensure(WIDEST) < WIDEST:
                raise UnexpectedEnd
            return vr, WIDEST, self._long(at.data, at.offset + 8)[0]
        if not is_possible(tag):
            raise Malformed(Fault.TAG)
        return self._unknown_vr(inside, tag, name)

    def _unknown_vr(self, inside: _Container, tag: int, name: bytes) -> tuple[str, int, int]:
        """Decode the header of an element with an unknown VR, and repair it."""
        width, length = self._ahead.size_with_unknown_vr(inside, tag, name)
        vr = vr_by_dictionary(tag) or "UN"
        if length == UNDEFINED:
            vr = "SQ"
        if vr.encode() not in LONG and (vr.encode() not in SHORT or length > 0xFFFF):
            vr = "UN"  # more than one VR, or too long for this one
        self._replace_header(tag, vr, width, length)
        return vr, width, length

    def _replace_header(self, tag: int, vr: str, width: int, length: int) -> None:
        head = pack(f"{self._order}HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
        if vr.encode() in SHORT:
            head += pack(f"{self._order}H", length)
        else:
            head += pack(f"{self._order}HL", 0, length)
        self._edit(width, head)

    def _delimiter(self, inside: _Container, number: int) -> None:
        at = self._at
        (length,) = self._long(at.data, at.offset + 4)
        if number == ITEM and inside.kind is _Kind.SEQUENCE:
            self._open_item(inside, length)
        elif number == ITEM and inside.kind is _Kind.FRAGMENTS:
            if 8 + length > at.left:
                raise UnexpectedEnd
            at.skip(8 + length)
        elif number not in (ITEM_END, SEQUENCE_END) or length:
            raise Malformed(Fault.DELIMITER)
        elif inside.end is not None or inside.kind is _Kind.DATA_SET:
            self._skip_delimiter()
        elif number == (ITEM_END if inside.kind is _Kind.ITEM else SEQUENCE_END):
            at.skip(8)
            self._close()
        elif inside.kind is _Kind.ITEM:
            # the delimiter of the sequence also ends the item, unless the sequence goes on
            if self._ahead.tag_at(8) in ITEM_OR_END:
                self._edit(8, self._encoded(ITEM_END))
                at.skip(8)
            else:
                self._insert(ITEM_END)
            self._close()
        elif inside.kind is _Kind.SEQUENCE:
            self._skip_delimiter()
        else:
            raise Malformed(Fault.DELIMITER)

    def _skip_delimiter(self) -> None:
        self._edit(8, b"")
        self._at.skip(8)

    def _open(self, tag: int, vr: str | None, width: int, length: int) -> None:
        """Open the sequence or the fragments at the position."""
        inside = self._stack[-1]
        kind = _Kind.SEQUENCE
        if (
            vr is None
            and vr_by_dictionary(tag) != "SQ"
            and self._ahead.tag_at(width) not in ITEM_OR_END
        ):
            raise Malformed(Fault.SEQUENCE)
        if vr not in (None, "SQ", "UN"):
            kind = _Kind.FRAGMENTS
        position = self._position
        end = None if length == UNDEFINED else position + width + length
        self._stack.append(
            _Container(
                kind,
                position,
                end,
                inside.bound if end is None else end,
                position + width - 4,
                len(self._found.edits),
                inside.implicit,
                inside.deep or tag in self._sequences,
                tag,
                vr == "UN",
            )
        )
        self._at.skip(width)

    def _open_item(self, inside: _Container, length: int) -> None:
        position = self._position
        end = None if length == UNDEFINED else position + 8 + length
        if end is not None and end > inside.bound:
            raise (UnexpectedEnd() if inside.bound >= self._at.size else Malformed(Fault.LENGTH))
        implicit = inside.implicit
        if inside.unknown and not implicit:  # usually its items are (PS3.5 section 6.2.2)
            name = self._at.peek(12, 2)
            implicit = not (name.isalpha() and name.isupper())
        self._stack.append(
            _Container(
                _Kind.ITEM,
                position,
                end,
                inside.bound if end is None else end,
                position + 4,
                len(self._found.edits),
                implicit,
                inside.deep,
            )
        )
        self._at.skip(8)

    def _close(self) -> None:
        closed = self._stack.pop()
        edits = self._found.edits
        if closed.end is not None:
            if len(edits) > closed.edits_before:  # its length has changed
                mark = ITEM_END if closed.kind is _Kind.ITEM else SEQUENCE_END
                edits.append(Edit(closed.length_at, 4, b"\xff\xff\xff\xff"))
                edits.append(Edit(closed.end, 0, self._encoded(mark)))
            return
        size = self._position - closed.start
        if len(self._stack) == 1 and not closed.deep and size > LARGEST_SEQUENCE:
            del edits[closed.edits_before :]
            edits.append(Edit(closed.start, size, b""))
            self._found.tags.discard(closed.tag)
        elif len(self._stack) == 1 and closed.tag > self._last:
            del edits[closed.edits_before :]
            self._beyond.append((closed.start, size))

    def _insert(self, number: int) -> None:
        self._edit(0, self._encoded(number))

    def _edit(self, deleted: int, inserted: bytes) -> None:
        self._found.edits.append(Edit(self._position, deleted, inserted))
        self._found.recovered += 1

    def _encoded(self, number: int) -> bytes:
        return pack(f"{self._order}HHL", DELIMITERS, number, 0)
