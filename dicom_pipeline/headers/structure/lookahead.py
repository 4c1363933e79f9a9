"""What follows an element, to judge whether it is one, and how long it is.

Belongs here: looking ahead from the position of a walk, without advancing it.
Does not belong here: the walk, and repairs (walk).
"""

from __future__ import annotations

from struct import Struct
from typing import Protocol

from dicom_pipeline.headers.element_header import LONG, SHORT, UNDEFINED, WIDEST
from dicom_pipeline.headers.files.buffered_reader import BufferedReader
from dicom_pipeline.headers.possible_tags import is_known, is_possible
from dicom_pipeline.headers.structure.result import Fault, Malformed

DELIMITERS = 0xFFFE
ITEM, ITEM_END, SEQUENCE_END = 0xE000, 0xE00D, 0xE0DD
ITEM_OR_END = ((DELIMITERS, ITEM), (DELIMITERS, SEQUENCE_END))


class Inside(Protocol):
    """What is known of the innermost open container.

    Attributes
    ----------
    bound
        End of the smallest container with a defined length around the position.
    implicit
        Whether VRs are implicit.
    creators
        Group and block of the private creators inside.
    """

    bound: int
    implicit: bool
    creators: set[int]


class Lookahead:
    """Bytes after the position of a walk.

    Parameters
    ----------
    at
        The position.
    order
        Byte order: ``<`` or ``>``.
    """

    def __init__(self, at: BufferedReader, order: str) -> None:
        self._at = at
        self._tag = Struct(f"{order}HH").unpack_from
        self._short = Struct(f"{order}H").unpack_from
        self._long = Struct(f"{order}L").unpack_from

    def _belongs(self, inside: Inside, tag: int, distance: int) -> bool:
        """Whether a tag is known, has a private creator, or is followed by one of its group.

        Text that is taken for a tag usually looks like a private one.
        """
        group, block = tag >> 16, (tag & 0xFFFF) >> 8
        if is_known(tag) or group << 8 | block in inside.creators:
            return True
        return self.tag_at(distance)[0] == group

    def size_with_unknown_vr(self, inside: Inside, tag: int, name: bytes) -> tuple[int, int]:
        """Return size of the header and length of the value, by what follows the value.

        Unknown VRs of two capital letters may be those of a later edition, which has four bytes
        for the length of every new VR. Other names are writing errors.

        Raises
        ------
        Malformed
            No length leads to a credible element.
        """
        at = self._at
        two = (8, self._short(at.data, at.offset + 6)[0])
        implicit = (8, self._long(at.data, at.offset + 4)[0])
        candidates = [two, implicit]
        if at.ensure(WIDEST) >= WIDEST and not at.data[at.offset + 6 : at.offset + 8].strip(b"\0"):
            four = (WIDEST, self._long(at.data, at.offset + 8)[0])
            candidates.insert(1 if name.isalpha() and name.isupper() else 2, four)
        for width, length in candidates:
            if self.leads_on(inside, tag, width, length) and (
                length == UNDEFINED or self._belongs(inside, tag, width + length)
            ):
                break
        else:
            raise Malformed(Fault.VALUE_REPRESENTATION)
        return width, length

    def leads_on(self, inside: Inside, tag: int, width: int, length: int) -> bool:
        """Whether an element of this size is followed by the end, or by a credible element."""
        at = self._at
        if length == UNDEFINED:
            return self.tag_at(width) in ITEM_OR_END
        whole = width + length
        end = at.start + at.offset + whole
        if end >= inside.bound:
            return end == inside.bound
        head = at.peek(whole, WIDEST)
        if len(head) < 8:
            return False
        group, number = self._tag(head, 0)
        if group == DELIMITERS:
            return number in (ITEM_END, SEQUENCE_END) and not self._long(head, 4)[0]
        following, name = group << 16 | number, head[4:6]
        if not inside.implicit and (name in SHORT or name in LONG):
            return is_possible(following)
        return is_known(following) and following > tag

    def tag_at(self, distance: int) -> tuple[int, int]:
        """Return group and number of the tag at a distance; zeros at the end of the file."""
        head = self._at.peek(distance, 4)
        if len(head) < 4:
            return 0, 0
        group, number = self._tag(head, 0)
        return group, number
