"""No mutated file has half a header: elements that DCMTK's dcmdump reads are in the row.

The mutants are those of `mutants`. dcmdump also prints what it could read of a damaged file. It
is another parser, so some differences are named here with their cause.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.reader import Header
from tests.headers.fuzz import attribute_paths, outcome
from tests.headers.mutants import mutant

pytestmark = [
    pytest.mark.skipif(not shutil.which("dcmdump"), reason="dcmdump is not installed"),
    pytest.mark.filterwarnings("ignore::UserWarning:pydicom"),
]

MUTANTS = int(os.environ.get("DCMDUMP_MUTANTS", "400"))
_LINE = re.compile(r"\(([0-9a-f]{4}),([0-9a-f]{4})\) (\S\S) (.*?) +# +(\d+),")
_EMPTY = re.compile(r"\[[ \\^=]*\]|\(no value.*")


def elements_by_dcmdump(path: Path) -> dict[int, str]:
    """Return tag and shown value of the elements with a value that dcmdump reads of a file."""
    done = subprocess.run(
        ["dcmdump", "-q", "-M", "+L", "-Un", "+E", os.fspath(path)],
        capture_output=True,
        check=False,
    )
    found = {}
    for line in done.stdout.decode("latin-1").splitlines():
        if match := _LINE.match(line):
            group, number, vr, value, length = match.groups()
            if vr != "SQ" and length != "0" and not _EMPTY.fullmatch(value.strip()):
                found[int(group + number, 16)] = value
    return found


def test_a_mutated_file_that_is_loaded_has_all_elements_that_dcmdump_reads(tmp_path: Path) -> None:
    reader = FastReader(attribute_paths())
    plain = {p.tag: cell for cell, p in enumerate(attribute_paths()) if not p.steps}
    seen: Counter[str] = Counter()
    half: list[tuple[int, str]] = []
    for number in range(2_000_000, 2_000_000 + MUTANTS):
        data = mutant(number)
        header = outcome(reader, data)
        if not isinstance(header, Header):
            seen[header.value] += 1
            continue
        (tmp_path / "file").write_bytes(data)
        missing = {
            tag
            for tag in elements_by_dcmdump(tmp_path / "file")
            if tag in plain and header.values[plain[tag]] is None
        }
        seen["loaded"] += 1
        if missing and len(missing) > header.unreadable_values:
            half.append((number, header.reader))
    assert not half
    assert seen["loaded"] > MUTANTS / 5
    assert seen["malformed"] > MUTANTS / 10
