"""Calls as another user, and directories that another user can reach.

Belongs here: what tests of permissions need; root ignores the mode of files.
Does not belong here: whole containers (tests.cloud.container).
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

UID = GID = 12345  # no entry in /etc/passwd
_CONTEXT = multiprocessing.get_context("fork")  # the user could not import from a private checkout

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT TESTED: only root can start a process as another user"
)


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """Create a directory that every user can enter; directories of pytest are private."""
    directory = Path(tempfile.mkdtemp(prefix="user-test-", dir="/tmp"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def as_user(
    function: Callable[..., Any], *arguments: object, groups: Sequence[int] = (), umask: int = 0o022
) -> Any:
    """Call a function as a user without name and capabilities; return or raise what it does."""
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_call, args=(sender, function, arguments, groups, umask))
    process.start()
    outcome = receiver.recv()
    process.join()
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _call(
    sender: Connection,
    function: Callable[..., Any],
    arguments: tuple[object, ...],
    groups: Sequence[int],
    umask: int,
) -> None:
    os.setgroups(groups)
    os.setgid(GID)
    os.setuid(UID)
    os.umask(umask)
    try:
        sender.send(function(*arguments))
    except Exception as error:
        sender.send(error)
