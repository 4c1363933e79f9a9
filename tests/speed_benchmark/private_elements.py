"""Private elements of four vendors: many small ones, some large, some nested.

Belongs here: their blocks, VRs and sizes, and those that differ between images.
Does not belong here: attributes of the standard (series).
"""

from __future__ import annotations

import random
from typing import Any

from pydicom.datadict import private_dictionary_VR
from pydicom.dataset import Dataset, PrivateBlock
from pydicom.sequence import Sequence

# group and creator of small elements, used in turn
_BLOCKS = {
    "SIEMENS": ((0x0019, "SIEMENS MR HEADER"), (0x0021, "SIEMENS MED"),
                (0x0051, "SIEMENS MR HEADER")),
    "GE MEDICAL SYSTEMS": ((0x0009, "GEMS_IDEN_01"), (0x0019, "GEMS_ACQU_01"),
                           (0x0027, "GEMS_IMAG_01"), (0x0043, "GEMS_PARM_01")),
    "Philips Medical Systems": ((0x2001, "Philips Imaging DD 001"),
                                (0x2005, "Philips MR Imaging DD 001")),
    "TOSHIBA": ((0x0029, "TOSHIBA_MEC_MR3"), (0x700D, "TOSHIBA_MEC_MR3")),
}  # fmt: skip
_LARGE = {
    "SIEMENS": (0x0029, "SIEMENS CSA HEADER", (0x10, 0x20), "OB", (4_000, 12_000)),
    "GE MEDICAL SYSTEMS": (0x0025, "GEMS_SERS_01", (0x1B,), "OB", (1_000, 3_000)),
    "Philips Medical Systems": (0x2005, "Philips MR Imaging DD 002", (0x70,), "UN", (200, 600)),
    "TOSHIBA": (0x7005, "TOSHIBA_MEC_CT3", (0xE8,), "OB", (500, 2_000)),
}
_VRS = ("LO", "SH", "CS", "DS", "IS", "US", "SS", "FL", "FD", "SL", "UL", "UN", "LT")
# large elements with a part that differs between images
CHANGING = {"SIEMENS": (0x0029, 0x1010)}


def add_private(made: Dataset, vendor: str, count: int, chance: random.Random) -> None:
    """Add about ``count`` private elements."""
    wanted = len(made) + max(count, 12)
    group, creator, offsets, vr, sizes = _LARGE[vendor]
    block = made.private_block(group, creator, create=True)
    for offset in offsets:
        block.add_new(offset, vr, chance.randbytes(chance.randrange(*sizes) // 2 * 2))
    blocks = [made.private_block(group, creator, create=True) for group, creator in _BLOCKS[vendor]]
    if vendor.startswith("Philips") or chance.random() < 0.2:
        blocks[0].add_new(0xF0, "SQ", Sequence([_nested(vendor, chance) for _ in range(2)]))
    offset = 0
    while len(made) < wanted:
        offset += 1
        block, own = blocks[offset % len(blocks)], 1 + offset // len(blocks)
        vr = _known_vr(block, own) or chance.choice(_VRS)
        if vr in _VRS:
            block.add_new(own, vr, _value(vr, chance))


def _known_vr(block: PrivateBlock, offset: int) -> str | None:
    """Return the VR in pydicom's private dictionary, which readers of implicit VR look up."""
    try:
        return private_dictionary_VR(block.get_tag(offset), block.private_creator)
    except KeyError:
        return None


def _nested(vendor: str, chance: random.Random) -> Dataset:
    item = Dataset()
    group, creator = _BLOCKS[vendor][0]
    block = item.private_block(group, creator, create=True)
    for offset in range(1, 4):
        vr = _known_vr(block, offset) or "LO"
        if vr in _VRS:
            block.add_new(offset, vr, _value(vr, chance))
    return item


def _value(vr: str, chance: random.Random) -> Any:
    if vr in ("LO", "SH", "LT", "CS"):
        return chance.choice(("", "STANDARD", "NORMAL", "FFE", "A1", "NONE"))
    if vr == "DS":
        return [f"{chance.uniform(-9, 99):.6g}" for _ in range(chance.choice((1, 1, 3)))]
    if vr == "IS":
        return str(chance.randrange(5000))
    if vr in ("FL", "FD"):
        return [chance.uniform(0, 9) for _ in range(chance.choice((1, 1, 6)))]
    if vr == "UN":
        return chance.randbytes(2 * chance.randint(1, 30))
    return chance.randrange(9999)
