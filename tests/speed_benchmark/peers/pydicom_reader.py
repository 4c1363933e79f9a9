"""pydicom: `dcmread(stop_before_pixels=True)`, then `get` for each wanted attribute.

Belongs here: plain pydicom, and pydicom with ``specific_tags``.
Does not belong here: the text of a value (pydicom_text).
"""

from __future__ import annotations

import warnings
from typing import Any

from harness import Peer, Texts, Wanted, run
from pydicom import dcmread
from pydicom.tag import Tag
from pydicom_text import text_of


def make(wanted: list[Wanted], option: str) -> Peer:
    warnings.filterwarnings("ignore")
    tags = [Tag(each.tag) for each in wanted]
    specific: dict[str, Any] = {"specific_tags": list(tags)} if option == "specific_tags" else {}

    def read(path: str) -> Texts:
        dataset = dcmread(path, stop_before_pixels=True, **specific)
        return [text_of(dataset.get(tag)) for tag in tags]

    return Peer(read)


if __name__ == "__main__":
    run(make)
