"""Header reading per core: our reader and its peers on the same files, in turn.

Belongs here: which peers there are, running them in processes of their own, equality of values.
Does not belong here: how a peer reads (peers), and ratios (measures).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydicom.datadict import keyword_for_tag

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from tests.support.dicom import wheel_files

from .corpus import Corpus, elements_of
from .measures import interleaved, middle, ratio
from .peer_environment import version_in

PEERS = Path(__file__).parent / "peers"
OURS, FALLBACK, PYDICOM = "dicom_pipeline", "dicom_pipeline, DICOM_READER=pydicom", "pydicom"
_NUMBERS = frozenset({"US", "SS", "UL", "SL", "US or SS", "UV", "SV", "FD", "FL"})
_NOT_INSTALLED = "not installed"


@dataclass(frozen=True)
class Peer:
    """A peer: its script, who runs it, and options of the harness."""

    script: str
    python: Path = Path(sys.executable)
    options: tuple[str, ...] = ()
    has_values: bool = True
    note: str = ""
    own: bool = True  # of this project and its environment: it must not fail


def attribute_paths() -> list[AttributePath]:
    """What is wanted of a header: the attributes of the mapping, each once."""
    return list(dict.fromkeys(a.path for a in load_mapping().attributes))


def available(python: Path | None) -> tuple[dict[str, Peer], dict[str, str]]:
    """Peers that can be run, and versions of those that have one of their own.

    Parameters
    ----------
    python
        Of the peers' environment; None for the readers of this one alone.
    """
    found = {
        OURS: Peer("own_reader", note="nothing remembered at the first file"),
        f"{OURS}, second pass": Peer(
            "own_reader", options=("--passes", "2"), note="all layouts and texts remembered"
        ),
        PYDICOM: Peer("pydicom_reader", note="`dcmread(stop_before_pixels=True)`, `get`"),
        "pydicom, specific_tags": Peer("pydicom_reader", options=("--option", "specific_tags")),
        FALLBACK: Peer("own_reader", options=("--option", "pydicom")),
        "pread": Peer("pread_floor", has_values=False, note="the floor: no values"),
    }
    versions: dict[str, str] = {}
    if python is None:
        return found, versions
    for name, module, script, note in (
        ("dicomsdl", "dicomsdl", "dicomsdl_reader", "number of items for a sequence"),
        ("python-gdcm", "gdcm", "gdcm_reader", "number of items for a sequence"),
        ("dicom-csv", "dicom_csv", "dicom_csv_reader", "no sequences, hardly any lists"),
    ):
        versions[name] = version_in(python, name, module) or _NOT_INSTALLED
        if versions[name] != _NOT_INSTALLED:
            found[name] = Peer(script, python, own=False, note=note)
    if shutil.which("dcmdump"):
        found["dcmdump"] = Peer("dcmdump_reader", own=False, note="its output is thrown away")
    else:
        versions["dcmdump"] = _NOT_INSTALLED
    return found, versions


class Bench:
    """Runs readers over one corpus."""

    def __init__(self, scratch: Path, paths: Sequence[str]) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._scratch = scratch
        self._list = scratch / "paths.txt"
        self._list.write_text("\n".join(paths) + "\n")
        self._wanted = scratch / "wanted.json"
        self._wanted.write_text(json.dumps([
            {"tag": r.tag, "vr": r.vr, "keyword": keyword_for_tag(r.tag)}
            for r in attribute_paths()
        ]))  # fmt: skip

    def run(self, reader: Peer, *more: str) -> dict[str, Any]:
        """Run a reader over all files; returns what it printed."""
        script = PEERS / f"{reader.script}.py"
        command = [reader.python, script, self._list, self._wanted, *reader.options, *more]
        environment = os.environ | {"PYTHONPATH": str(PROJECT_DIR), "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, check=False, env=environment
        )
        if done.returncode:
            raise RuntimeError(f"{reader.script} failed:\n{done.stderr[-2000:]}")
        result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return result

    def can_read(self, reader: Peer, name: str, say: Callable[[str], None]) -> bool:
        """Whether a reader gets through all files; that also fills the page cache."""
        try:
            self.run(reader)
        except RuntimeError:
            say(f"{name} fails on these files and is left out")
            return False
        return True

    def texts(self, reader: Peer) -> tuple[list[list[str | None]], dict[str, int]]:
        """Texts of all files, and what the reader says about itself."""
        path = self._scratch / "values.jsonl"
        about = self.run(reader, "--values", str(path))["about"]
        with path.open() as lines:
            return [json.loads(line) for line in lines], about


def measure(
    corpus: Corpus,
    readers: dict[str, Peer],
    rounds: int,
    scratch: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """CPU of all readers on a corpus, ratios to ours, and whose values differ from pydicom's."""
    step = max(1, len(corpus.names) // 50)
    headers = [elements_of(path) for path in corpus.paths[::step]]
    bench = Bench(scratch, corpus.paths)
    bench.run(readers["pread"])  # fills the page cache
    readers = {
        name: reader
        for name, reader in readers.items()
        if reader.own or bench.can_read(reader, name, say)
    }
    found = interleaved(
        {name: partial(bench.run, reader) for name, reader in readers.items()}, rounds, say
    )
    expected, _ = bench.texts(readers[PYDICOM])
    rows = []
    about: dict[str, int] = {}
    for name, reader in readers.items():
        row = {
            "reader": name,
            "note": reader.note,
            "microseconds": middle(found[name], "cpu") / len(corpus.names) * 1e6,
            "ratio": ratio(found[name], found[OURS], "cpu"),
        }
        if reader.has_values:
            texts, own = bench.texts(reader)
            row |= differences(expected, texts)
            about = own if name == OURS else about
        rows.append(row)
        say(f"{name}: {row['ratio']['median']:.2f}, {row.get('differ', '-')} files differ")
    return {
        "kind": corpus.kind,
        "files": len(corpus.names),
        "bytes": corpus.bytes,
        "headers": headers,
        "rows": rows,
        "readers": about,
    }


def measure_wheel(scratch: Path) -> dict[str, Any]:
    """Which reader took the files that ship with pydicom, and whether the two of ours agree."""
    bench = Bench(scratch, [str(path) for path in wheel_files()])
    ours, about = bench.texts(Peer("own_reader"))
    theirs, _ = bench.texts(Peer("own_reader", options=("--option", "pydicom")))
    differ = sum(one != other for one, other in zip(ours, theirs, strict=True))
    return {"files": len(ours), "readers": about, "differ": differ}


def differences(
    expected: list[list[str | None]], texts: list[list[str | None]]
) -> dict[str, float]:
    """Files with a value that is not pydicom's, such values, and values a file."""
    vrs = [attribute_path.vr for attribute_path in attribute_paths()]
    files = values = 0
    for theirs, own in zip(expected, texts, strict=True):
        wrong = sum(
            a != b and canonical(vr, a) != canonical(vr, b)
            for vr, a, b in zip(vrs, theirs, own, strict=True)
        )
        files += wrong > 0
        values += wrong
    found = sum(len(own) - own.count(None) for own in texts)
    return {
        "differ": files,
        "wrong_values": values / max(len(texts), 1),
        "values": found / max(len(texts), 1),
    }


def canonical(vr: str, text: str | None) -> object:
    """What must be equal: text without padding, numbers of binary VRs, items of sequences."""
    if text is None:
        return None
    if vr == "SQ":
        return len(json.loads(text)) if text.startswith("[") else int(text)
    parts = [part.strip(" \0") for part in unicodedata.normalize("NFC", text).split("\\")]
    if not any(parts):
        return None
    if vr in _NUMBERS:
        try:
            return [float(part) for part in parts]
        except ValueError:
            return parts
    return parts
