"""Search for a known key, in every encoding, in everything that a run writes.

The key may be only in its own file, and the derived keys only in the vault.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dicom_pipeline.warehouse.vault import vault_path
from tests.support.processes import watched_arguments
from tests.support.project import copy_project
from tests.warehouse.oracle import Oracle

from . import subjects
from .conftest import Site

# not a multiple of three bytes, so base64 is padded; its base64 contains + / - _
KEY = bytes([0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFE]) + bytes(range(5, 39))
ORACLE = Oracle(KEY)


def forms(secret: bytes) -> dict[str, bytes]:
    """Return the encodings of a secret."""
    standard, urlsafe = base64.b64encode(secret), base64.urlsafe_b64encode(secret)
    return {
        "raw": secret,
        "hex": secret.hex().encode(),
        "upper hex": secret.hex().upper().encode(),
        "base64": standard,
        "base64 without padding": standard.rstrip(b"="),
        "base64url": urlsafe,
        "base64url without padding": urlsafe.rstrip(b"="),
        "half of the hex": secret.hex().encode()[:24],
    }


NEEDLES = {
    f"{name}, {form}": text
    for name, secret in (
        ("key", KEY),
        ("ki", bytes.fromhex(ORACLE.ki)),
        ("ko", bytes.fromhex(ORACLE.ko)),
    )
    for form, text in forms(secret).items()
}


@dataclass
class Ran:
    """A site after some commands, with their output and process arguments."""

    site: Site
    printed: str
    arguments: set[bytes]

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of the output and of all files of project copy and zones."""
        yield "terminal", self.printed.encode()
        for root in (self.site.project, self.site.root):
            for path, data in subjects.everything(root, self.site.landing):
                yield os.fspath(path.relative_to(root)), data

    def places(self) -> dict[str, set[str]]:
        """Return the files in which each form was found."""
        found: dict[str, set[str]] = {name: set() for name in NEEDLES}
        for place, data in self.texts():
            for name, needle in NEEDLES.items():
                if needle in data:
                    found[name].add(place)
        return {name: places for name, places in found.items() if places}


def break_a_model(project: Path) -> None:
    """Make dbt fail during a build, at a model that reads the keys."""
    model = project / "dbt_snowflake" / "models" / "stage" / "staged_studies.sql"
    model.write_text(model.read_text() + "\nwhere ki = no_such_column")


def break_a_test(project: Path) -> None:
    """Make a dbt test fail after all models were built."""
    folder = project / "dbt_snowflake" / "tests"
    folder.mkdir(exist_ok=True)
    (folder / "fails.sql").write_text("select * from {{ ref('processed_patients') }}")


def given(way: str, site: Site) -> None:
    """Provide the key in one of the supported ways."""
    own, elsewhere = site.root / "warehouse" / "pseudonym.key", site.root.parent / "elsewhere.key"
    if way == "variable":
        site.environment["DICOM_PSEUDONYM_KEY"] = base64.b64encode(KEY).decode()
    elif way == "key file":
        elsewhere.write_text(KEY.hex().upper() + "\n")
        site.environment["DICOM_PSEUDONYM_KEY_FILE"] = str(elsewhere)
    else:
        own.parent.mkdir()
        own.write_text(KEY.hex() + "\n")


def two_runs(site: Site) -> str:
    """Run once with success, and once with an error in dbt and --debug."""
    printed = site.command("run", umask=0)
    break_a_model(site.project)
    return printed + site.command("run", "--force", "--debug", code=1, umask=0)


def all_commands(site: Site) -> str:
    """Run every command that uses the key, and runs that fail in different ways."""
    printed = site.command("run", umask=0o022)
    printed += site.command("run", "--force", "--debug", umask=0o022)
    printed += site.command("purge", "--patient-id", subjects.REMAINING_ID, "--yes", "--debug")
    printed += site.command("pseudonym", "--patient-id", subjects.REMAINING_ID)
    printed += site.command("rotate-key", code=3, stdin="n\n")
    weak = KEY.hex()[:-20]
    printed += site.command("run", code=2, DICOM_PSEUDONYM_KEY=weak)
    printed += site.command("run", "--debug", code=1, DICOM_PSEUDONYM_KEY=weak)
    break_a_test(site.project)
    printed += site.command("run", "--force", "--debug", code=1)
    break_a_model(site.project)
    printed += site.command("run", "--force", code=1)
    return printed + site.command("run", "--force", "--debug", code=1)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("variable", two_runs), id="variable"),
        pytest.param(("own file", all_commands), id="own file", marks=pytest.mark.slow),
        pytest.param(("key file", all_commands), id="key file", marks=pytest.mark.slow),
    ],
)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Site after successful and failed runs, with and without --debug."""
    way, commands = request.param
    root = tmp_path_factory.mktemp("canary")
    site = Site(root / "site", copy_project(root / "project"))
    subjects.write(site.landing)
    given(way, site)
    with watched_arguments() as arguments:
        printed = commands(site)
    return Ran(site, printed, arguments)


def test_the_key_is_only_in_its_file_and_derived_keys_are_only_in_the_vault(
    ran: Ran,
) -> None:
    places = ran.places()
    own = ran.site.root / "warehouse" / "pseudonym.key"
    # the search finds the key where it is allowed
    assert places.pop("key, hex", set()) == ({"warehouse/pseudonym.key"} if own.exists() else set())
    assert places.pop("key, half of the hex", set()) <= {"warehouse/pseudonym.key"}
    for name in ("ki", "ko"):
        assert places.pop(f"{name}, hex") == {"warehouse/vault.duckdb"}
        assert places.pop(f"{name}, half of the hex") == {"warehouse/vault.duckdb"}
    assert places == {}


def test_the_search_covers_everything_that_a_run_writes(ran: Ran) -> None:
    searched = {place for place, _ in ran.texts()}
    for name in ("dbt.log", "manifest.json", "run_results.json", "partial_parse.msgpack"):
        assert any(place.endswith(f"/{name}") for place in searched), name
    assert {"published/dicom.duckdb", "warehouse/build.duckdb", "terminal"} <= searched
    for folder in ("dagster/", "raw/", "dbt_snowflake/target/", "dicom_pipeline/"):
        assert any(place.startswith(folder) for place in searched), folder
    assert "no_such_column" in ran.printed  # dbt's error is in what --debug prints


def test_no_process_argument_contains_the_key(ran: Ran) -> None:
    told = b"\n".join(ran.arguments)
    assert b"dicom_pipeline.cli" in told
    assert b"dbt" in told  # arguments of child processes were seen too
    assert {name for name, needle in NEEDLES.items() if needle in told} == set()


def test_a_run_leaves_no_pickle_file(ran: Ran) -> None:
    """Loading a pickle can run code. Rows are exchanged as Arrow, and state files are text."""
    for place, data in ran.texts():
        assert not (data[:1] == b"\x80" and data[1:2] in b"\2\3\4\5" and data[-1:] == b"."), place
        assert not place.endswith((".pickle", ".pkl")), place


def test_the_published_file_and_dagsters_storage_have_restricted_permissions(ran: Ran) -> None:
    root = ran.site.root

    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(root / "published" / "dicom.duckdb") == 0o444
    assert mode(root / "published") & 0o022 == 0  # other users must not be able to replace the file
    assert mode(root / "dagster") == 0o700  # it contains the true months


def test_private_zones_are_accessible_to_their_owner_only_with_any_umask(
    ran: Ran,
) -> None:
    assert vault_path(ran.site.root / "warehouse").exists()
    for zone in ("raw", "warehouse"):
        root = ran.site.root / zone
        for path in [root, *root.rglob("*")]:
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path
