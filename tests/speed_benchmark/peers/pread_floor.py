"""Lower bound: open, fstat, one `pread` of 8 KiB, close. Nothing is parsed.

Belongs here: system calls that every reader in Python needs.
Does not belong here: anything else.
"""

from __future__ import annotations

import os

from harness import Peer, Texts, Wanted, run

_BLOCK = 8192


def make(wanted: list[Wanted], option: str) -> Peer:
    nothing: Texts = []

    def read(path: str) -> Texts:
        descriptor = os.open(path, os.O_RDONLY)
        os.fstat(descriptor)
        os.pread(descriptor, _BLOCK, 0)
        os.close(descriptor)
        return nothing

    return Peer(read)


if __name__ == "__main__":
    run(make)
