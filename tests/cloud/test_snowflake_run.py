"""Whole runs of one landing zone on DuckDB and on Snowflake publish the same tables.

The command line loads, changes and deletes files of the sample. The tests are steps of one history,
in order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydicom import dcmread

from dicom_pipeline.config.settings import load_snowflake_settings
from dicom_pipeline.deid.keys import derive
from dicom_pipeline.landing.sample import put_sample
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.warehouse.snowflake.session import session
from tests.endtoend.archive import write_instances
from tests.endtoend.conftest import Site, files_read
from tests.support.processes import watched_arguments
from tests.warehouse.conftest import KEY

from .snowflake_copy import copy_tables
from .snowflake_grammar import grammar_error
from .snowflake_server import SnowflakeServer, snowflake  # noqa: F401
from .tables import ENGINE_COLUMNS, Table, differences, tables

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Sites:
    """Two sites with the same landing zone and the same key."""

    def __init__(self, root: Path, server: SnowflakeServer) -> None:
        self.root = root
        self.local = Site(root / "local")
        self.cloud = Site(root / "cloud")
        self.landing = self.local.landing
        self.cloud.environment["DICOM_LANDING_URI"] = str(self.landing)
        for site in (self.local, self.cloud):
            site.environment["DICOM_PSEUDONYM_KEY"] = KEY.hex()
        self.server = server
        self.cloud.environment |= server.environment("RUNS")
        self.settings = load_snowflake_settings(self.cloud.environment)

    def run(self) -> tuple[int, int]:
        """Run both; return the number of files that each read."""
        return files_read(self.local.run()), files_read(self.cloud.run())

    def on_snowflake(self) -> dict[str, Table]:
        """Return the published tables on Snowflake."""
        copy = self.root / "copy" / "published.duckdb"
        with session(self.settings) as connection:
            copy_tables(connection, load_mapping(), copy, ["processed"])
        return tables(copy, "processed", without=ENGINE_COLUMNS)

    def differ(self) -> dict[str, Any]:
        """Return the differences between the published file and the tables on Snowflake."""
        ours = tables(self.local.database, "processed")
        shared = tables(self.local.database, "processed", without=ENGINE_COLUMNS)
        return differences(shared, self.on_snowflake()) | {
            f"local {table}": found
            for table, found in differences(
                ours, tables(self.cloud.database, "processed")
            ).items()
        }  # fmt: skip


@pytest.fixture(scope="module")
def sites(
    tmp_path_factory: pytest.TempPathFactory,
    snowflake: SnowflakeServer,  # noqa: F811
) -> Iterator[Sites]:
    sites = Sites(tmp_path_factory.mktemp("sites"), snowflake)
    put_sample(sites.landing)
    write_instances(sites.landing / "made", 60, series=9)
    with watched_arguments() as arguments:
        yield sites
    told = b"\n".join(arguments)
    assert b"dbt" in told
    for secret in (sites.cloud.environment["SNOWFLAKE_PASSWORD"], KEY.hex()):
        assert secret.encode() not in told


def test_the_published_rows_are_identical(sites: Sites) -> None:
    local, cloud = sites.run()
    assert local == cloud > 250
    assert not sites.differ()
    rows = {table: len(rows) for table, (_, rows) in sites.on_snowflake().items()}
    assert rows["processed_images"] > 190
    assert rows["deidentification"] > 0


def test_a_second_run_reads_loads_and_copies_nothing(sites: Sites) -> None:
    before = len(sites.server.statements())
    assert sites.run() == (0, 0)
    sent = sites.server.statements()[before:]
    assert not [statement for statement in sent if statement.startswith(("put", "copy into"))]
    assert any(statement.startswith("insert overwrite") for statement in sent)
    assert not sites.differ()


def test_new_changed_and_deleted_files_give_the_same_rows(sites: Sites) -> None:
    write_instances(sites.landing / "more", 7, prefix="more")
    changed = sites.landing / "made" / "i00003.dcm"
    header = dcmread(changed)
    header.SeriesDescription, header.KVP = "chest of somebody", "80"
    header.save_as(changed)
    os.utime(changed, (1_700_000_000, 1_700_000_000))
    for number in (10, 11, 12):
        (sites.landing / "made" / f"i{number:05d}.dcm").unlink()
    before = len(sites.server.statements())
    assert sites.run() == (8, 8)
    assert not sites.differ()
    copied = [s for s in sites.server.statements()[before:] if s.startswith("copy into")]
    assert len(copied) == 6  # one per table, for all changed partitions


def test_a_build_that_contains_an_identifier_is_not_sent(sites: Sites) -> None:
    before = sites.on_snowflake()
    build = sites.cloud.root / "warehouse" / "build.duckdb"
    with duckdb.connect(str(build)) as connection:
        # an identifier that cleaning missed; the next build would not read this row again
        connection.execute(
            "update stage.staged_series set series_description = 'of CompressedSamples'"
        )
    write_instances(sites.landing / "again", 1, prefix="again")
    statements = len(sites.server.statements())
    limits = {"DICOM_LEAK_LIMIT_PATIENTS": "1", "DICOM_LEAK_LIMIT_FRACTION": "0"}
    output = sites.cloud.command("run", code=1, **limits)
    assert "failed" in output
    assert "stage.staged_series.series_description" in " ".join(output.split())
    assert "CompressedSamples" not in output
    assert sites.server.statements()[statements:] == []
    assert sites.on_snowflake() == before
    # after a rebuild of stage, it is sent
    with duckdb.connect(str(build)) as connection:
        connection.execute("delete from stage.staged_series")
    sites.run()
    assert not sites.differ()


def test_every_sent_statement_is_valid_for_snowflake(
    sites: Sites, snowflake: SnowflakeServer  # noqa: F811
) -> None:  # fmt: skip
    statements = list(dict.fromkeys(snowflake.statements()))
    assert len(statements) > 200
    found = {statement[:200]: grammar_error(statement) for statement in statements}
    assert not {statement: problem for statement, problem in found.items() if problem}


def test_no_statement_and_no_written_file_contains_a_secret(
    sites: Sites, snowflake: SnowflakeServer  # noqa: F811
) -> None:  # fmt: skip
    secret = derive(KEY.hex())
    password = sites.cloud.environment["SNOWFLAKE_PASSWORD"]
    secrets = [s.encode() for s in (secret.ki, secret.ko, KEY.hex(), password)]
    written = [p for p in (sites.root / "cloud" / "dagster").rglob("*") if p.is_file()]
    for path in (snowflake.log, snowflake.bindings, *snowflake.uploads(), *written):
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets), path.name
