"""Path of one attribute in a data set: sequence items, then a tag.

Belongs here: the value object that the mapping creates and the header readers use.
Does not belong here: parsing the text of the mapping (mapping.attribute_mapping).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class AttributePath:
    """One attribute to read from a header: sequence steps, then the attribute's tag.

    ``steps`` holds ``(tag, item index)`` for each sequence on the way.
    """

    steps: tuple[tuple[int, int], ...]
    tag: int
    vr: str

    @property
    def first_tag(self) -> int:
        """Tag of the top-level element that holds the value."""
        return self.steps[0][0] if self.steps else self.tag
