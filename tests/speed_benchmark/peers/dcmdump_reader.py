"""DCMTK's `dcmdump`: prints the headers of many files per call; the output is discarded.

Belongs here: its options, and parsing its output, which is not timed.
Does not belong here: other programs.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

from harness import CODECS, Peer, Texts, Wanted, run

# long values are not loaded; not +U8, which fails on ISO 2022 with DCMTK built on iconv
_COMMAND = ("dcmdump", "-q", "-M", "+L", "-Un")
_FILES = 200
_FILE = "# Dicom-File-Format"
_BEGIN = "# Dicom-Data-Set"


def make(wanted: list[Wanted], option: str) -> Peer:
    cells = {f"({e.tag >> 16:04x},{e.tag & 0xFFFF:04x})": i for i, e in enumerate(wanted)}

    def read_all(paths: list[str], values: bool) -> Iterator[Texts]:
        for start in range(0, len(paths), _FILES):
            some = paths[start : start + _FILES]
            if values:
                done = subprocess.run([*_COMMAND, *some], capture_output=True, check=True)
                headers = done.stdout.decode("latin-1").split(_FILE)[1:]
                yield from map(_texts, headers)
                continue
            subprocess.run([*_COMMAND, *some], stdout=subprocess.DEVNULL, check=True)
            for _ in some:
                yield [None] * len(wanted)

    def _texts(output: str) -> Texts:
        texts: Texts = [None] * len(wanted)
        match = re.search(r"^\(0008,0005\) CS \[(.*?)\]", output, re.MULTILINE)
        codec = CODECS.get(match[1].strip()) if match else None
        for line in output.partition(_BEGIN)[2].split("\n"):
            cell = cells.get(line[:11])
            if cell is None:
                continue
            value = line[15:]
            if wanted[cell].vr == "SQ":
                count = re.search(r"#=(\d+)\)", value)
                texts[cell] = count[1] if count and count[1] != "0" else None
            elif value.startswith("["):
                text = value[1 : value.rindex("]")]
                texts[cell] = text.encode("latin-1").decode(codec or "latin-1", "replace") or None
            elif not value.startswith("(no value"):
                texts[cell] = value.split("#")[0].strip() or None
        return texts

    return Peer(read_all=read_all)


if __name__ == "__main__":
    run(make)
