"""Which tags an element can have, to recognise a header that was read out of step.

Belongs here: tags of the dictionary, of groups of the dictionary, and of private elements (PS3.5
section 7.8).
Does not belong here: VRs and lengths (element_header, structure).
"""

from __future__ import annotations

from functools import lru_cache

from pydicom.datadict import dictionary_VR, keyword_dict

_CACHED = 8192
_DELIMITERS = 0xFFFE
_COMMAND = 0x0000
_ILLEGAL_PRIVATE = frozenset({0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF})
_FIRST_CREATOR, _LAST_CREATOR, _FIRST_PRIVATE = 0x0010, 0x00FF, 0x1000
# groups of code tables that were retired in 1993, where nearly every number is an attribute
_CODE_TABLES = frozenset({0x1000, 0x1010})
_NO_GROUPS = _CODE_TABLES | {_DELIMITERS, _COMMAND}
_GROUPS = frozenset(tag >> 16 for tag in keyword_dict.values()) - _NO_GROUPS


@lru_cache(_CACHED)
def vr_by_dictionary(tag: int) -> str | None:
    """Return the VR of a tag; None for a private tag or one of another edition."""
    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return None


@lru_cache(_CACHED)
def is_known(tag: int) -> bool:
    """Whether the dictionary has a tag, or it is a group length."""
    group, number = tag >> 16, tag & 0xFFFF
    if group in _NO_GROUPS:
        return False
    return vr_by_dictionary(tag) is not None or (not number and group in _GROUPS)


@lru_cache(_CACHED)
def is_certain(tag: int, vr: str | None) -> bool:
    """Whether the dictionary has a tag with this VR; None for an implicit VR.

    Bytes that are no element do not have such a tag by chance.
    """
    expected = vr_by_dictionary(tag)
    return is_known(tag) and (
        vr is None or vr == "UN" or expected is None or vr in expected.split(" or ")
    )


@lru_cache(_CACHED)
def is_possible(tag: int) -> bool:
    """Whether an element of a data set can have a tag: a known one, or a legal private one.

    A public tag of a newer edition is possible in the groups of this one.
    """
    group, number = tag >> 16, tag & 0xFFFF
    if group % 2:
        return group not in _ILLEGAL_PRIVATE and (
            not number or _FIRST_CREATOR <= number <= _LAST_CREATOR or number >= _FIRST_PRIVATE
        )
    return is_known(tag) or group in _GROUPS
