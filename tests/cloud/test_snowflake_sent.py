"""Nothing that is sent to Snowflake identifies a patient: statements, bound values and files.

The server records all of them during a run over the planted files of the sweep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.endtoend.sweep.files import Archive
from tests.endtoend.sweep.places import pieces_under
from tests.endtoend.sweep.special import put_specials
from tests.endtoend.sweep.sweeping import SweptSite, sweep
from tests.warehouse.conftest import KEY
from tests.warehouse.oracle import Oracle

from .snowflake_server import SnowflakeServer, require_fakesnow, running

pytestmark = pytest.mark.timeout(900)


@dataclass
class Sent:
    """The recording of a run, and the archive of the run."""

    server: SnowflakeServer
    archive: Archive

    def places(self) -> dict[str, Path]:
        return {
            "statements": self.server.log,
            "bound values": self.server.bindings,
            "files": self.server.log.with_name("uploads"),
        }


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    require_fakesnow()
    archive = Archive()
    with running(tmp_path_factory.mktemp("recording")) as server:
        root = tmp_path_factory.mktemp("sent")
        site = SweptSite(root, DICOM_PSEUDONYM_KEY=KEY.hex(), **server.environment("SENT"))
        archive.first(site.landing)
        put_specials(site.landing)
        site.run()
        yield Sent(server, archive)


def test_no_identifier_is_sent(sent: Sent) -> None:
    result = sweep(sent.places(), sent.archive.needles)
    print(f"\n{result.table()}")  # noqa: T201
    assert result.hits == [], result.summary()
    # the recording has the tables, and the search reads them
    assert result.places["files"]["rows"] >= 6
    assert result.places["files"]["rows bytes"] > 50_000
    rows = [piece for piece in pieces_under(sent.places()["files"]) if piece.kind == "rows"]
    assert any(b"CT Abdomen [removed]" in piece.content for piece in rows)


def test_no_key_is_sent(sent: Sent) -> None:
    oracle = Oracle(KEY)
    secrets = (KEY.hex().encode(), oracle.ki.encode(), oracle.ko.encode())
    for place in sent.places().values():
        for piece in pieces_under(place):
            assert not any(secret in piece.content for secret in secrets), piece.path
