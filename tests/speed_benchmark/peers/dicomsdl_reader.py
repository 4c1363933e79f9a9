"""dicomsdl: `open_file` up to the pixel data, then `getDataElement` for each wanted attribute.

Belongs here: its interface; for a sequence it returns the number of items, not JSON.
Does not belong here: other libraries.
"""

from __future__ import annotations

import dicomsdl
from harness import NUMBERS, REALS, Peer, Texts, Wanted, run


def make(wanted: list[Wanted], option: str) -> Peer:
    dicomsdl.set_loglevel(dicomsdl.LogLevel.ERROR)

    def read(path: str) -> Texts:
        dataset = dicomsdl.open_file(path, 0x7FE00010)
        texts: Texts = []
        for each in wanted:
            element = dataset.getDataElement(each.tag)
            if not element:
                texts.append(None)
            elif each.vr == "SQ":
                items = element.toSequence()
                texts.append(str(len(items)) if items is not None else None)
            elif each.vr in NUMBERS:
                texts.append("\\".join(map(str, element.toLongVector())) or None)
            elif each.vr in REALS:
                texts.append("\\".join(map(str, element.toDoubleVector())) or None)
            else:
                texts.append(element.toString() or None)
        return texts

    return Peer(read)


if __name__ == "__main__":
    run(make)
