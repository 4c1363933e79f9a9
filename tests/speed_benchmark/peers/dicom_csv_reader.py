"""dicom-csv: `get_file_meta`, which returns plain values by keyword.

Belongs here: its interface; it returns no sequences, and only three attributes with several values.
Does not belong here: other libraries.
"""

from __future__ import annotations

import warnings
from typing import Any

from dicom_csv.crawler import SERIAL, get_file_meta
from harness import Peer, Texts, Wanted, run


def make(wanted: list[Wanted], option: str) -> Peer:
    warnings.filterwarnings("ignore")
    keywords = [each.keyword for each in wanted]

    def text(found: dict[str, Any], keyword: str) -> str | None:
        if keyword in SERIAL:
            parts = [found[name] for n in range(6) if (name := f"{keyword}{n}") in found]
            return "\\".join(map(str, parts)) or None
        return str(found[keyword]) or None if keyword in found else None

    def read(path: str) -> Texts:
        (found,) = get_file_meta(path, force=False)
        return [text(found, keyword) for keyword in keywords]

    return Peer(read)


if __name__ == "__main__":
    run(make)
