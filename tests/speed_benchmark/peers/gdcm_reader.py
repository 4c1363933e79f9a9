"""python-gdcm: `ReadUpToTag`, then `StringFilter.ToString` for each wanted attribute.

Belongs here: its interface; for a sequence it returns the number of items, not JSON, and the caller
has to decode character sets.
Does not belong here: other libraries.
"""

from __future__ import annotations

import gdcm
from harness import CODECS, Peer, Texts, Wanted, run


def make(wanted: list[Wanted], option: str) -> Peer:
    pixel_data = gdcm.Tag(0x7FE0, 0x0010)
    character_set = gdcm.Tag(0x0008, 0x0005)
    tags = [(gdcm.Tag(each.tag >> 16, each.tag & 0xFFFF), each.vr == "SQ") for each in wanted]

    def read(path: str) -> Texts:
        reader = gdcm.Reader()
        reader.SetFileName(path)
        if not reader.ReadUpToTag(pixel_data):
            return [None] * len(tags)
        file = reader.GetFile()
        dataset = file.GetDataSet()
        strings = gdcm.StringFilter()
        strings.SetFile(file)
        codec = None
        if dataset.FindDataElement(character_set):
            codec = CODECS.get(strings.ToString(character_set).strip())
        texts: Texts = []
        for tag, is_sequence in tags:
            if not dataset.FindDataElement(tag):
                texts.append(None)
            elif is_sequence:
                items = dataset.GetDataElement(tag).GetValueAsSQ()
                texts.append(str(items.GetNumberOfItems()) if items else None)
            else:
                text = strings.ToString(tag)
                if codec and not text.isascii():
                    text = text.encode("utf-8", "surrogateescape").decode(codec, "replace")
                elif codec == "iso2022-jp" and "\x1b" in text:
                    text = text.encode("latin-1").decode(codec, "replace")
                texts.append(text or None)
        return texts

    return Peer(read)


if __name__ == "__main__":
    run(make)
