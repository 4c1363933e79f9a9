"""The same raw zone and models give the same rows on DuckDB and on Snowflake.

The archive has typical content, texts with hidden identifiers, and manipulated sequences. The tests
are steps of one history, in order.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.config.settings import load_snowflake_settings
from dicom_pipeline.deid.keys import derive
from dicom_pipeline.extract.tables import IDENTITY_TERMS
from dicom_pipeline.mapping.attribute_mapping import ENTITIES, Attribute, AttributeMapping
from dicom_pipeline.warehouse.snowflake.load import LoadReport, load_raw
from dicom_pipeline.warehouse.snowflake.mirror import mirror
from dicom_pipeline.warehouse.snowflake.session import SnowflakeError, run, session
from dicom_pipeline.warehouse.snowflake.vault import put_keys
from tests.warehouse.archive import MARCH, PERIODS, file
from tests.warehouse.conftest import KEY, Warehouse
from tests.warehouse.raw_zone import mapping_lines
from tests.warehouse.sequence_files import BROKEN, DOE, FILES, GROUPS, TAMPERED
from tests.warehouse.test_clean_text import TEXTS, text_file

from .snowflake_server import SnowflakeServer, snowflake  # noqa: F401
from .tables import differences, tables

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEQUENCES = {
    # ten thousand items take minutes on fakesnow, which parses an array for each row
    **{name: there for name, there in FILES.items() if name != "many"},
    **{name: (DOE, {GROUPS: f"[\n{{\n{line}\n}}\n]"}) for name, line in TAMPERED.items()},
    **{name: (DOE, {GROUPS: text}) for name, text in BROKEN.items()},
}
# hashes of SQL, which differs between the engines
VERSIONS = ("stage_version", "model_version")


class Zone:
    """Raw zone of the test archive, with the interface that the loader uses."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def periods(self) -> list[str]:
        found = {path.name.partition("=")[2] for path in self.root.glob("images/study_period=*")}
        return sorted(found - {"__none__"})

    def version(self, period: str) -> str | None:
        return hashlib.sha256(self.path("images", period).read_bytes()).hexdigest()

    def path(self, table: str, period: str) -> Path:
        return self.root / table / f"study_period={period}" / "data.parquet"

    def read(self, table: str, period: str) -> pa.Table | None:
        return pq.ParquetFile(self.path(table, period)).read()

    def schemas(self) -> dict[str, pa.Schema]:
        """Return the columns of the loaded tables, from the partition without rows."""
        found = {t: pq.read_schema(self.path(t, "__none__")) for t in (*ENTITIES, IDENTITY_TERMS)}
        return {t: s.remove(s.get_field_index("raw_version")) for t, s in found.items()}


class Both:
    """One archive in two warehouses."""

    def __init__(self, root: Path, server: SnowflakeServer) -> None:
        self.duckdb = Warehouse(root)
        self.environment = server.environment("ARCHIVE")
        self.settings = load_snowflake_settings(self.environment)
        self.copy = root / "copy" / "snowflake.duckdb"

    def build(self) -> LoadReport:
        """Load and build on both engines; return the report of the load into Snowflake."""
        self.duckdb.build()
        self.copy.parent.mkdir(exist_ok=True)
        with session(self.settings) as connection:
            put_keys(connection, derive(KEY.hex()))
            report = load_raw(connection, self.zone, self.zone.schemas(), self.copy.parent)
        self.build_snowflake()
        return report

    def build_snowflake(self, **environment: str) -> None:
        done = self.dbt("build", **environment)
        assert done.returncode == 0, done.stdout
        with session(self.settings) as connection:
            mirror(connection, self.mapping, self.copy, ["stage", "processed_build"])

    @property
    def zone(self) -> Zone:
        return Zone(self.duckdb.raw.root)

    @property
    def mapping(self) -> AttributeMapping:
        """Mapping of the tests, which contains attributes that are not in the dictionary."""
        lines = [
            {field: line[field] for field in ("attribute", "vm", "type", "research", "strict")}
            | {"table": line["table_name"], "column": line["column_name"]}
            for line in mapping_lines(self.duckdb.seed)
        ]
        attribute_path = AttributePath((), 0, "")
        return AttributeMapping(
            tuple(
                Attribute(**line, reviewed=True, reason="", path=attribute_path) for line in lines
            )
        )

    def dbt(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        root = self.duckdb.root
        places = {"DBT_TARGET_PATH": str(root / "target_2"), "DBT_LOG_PATH": str(root / "logs_2")}
        return self.duckdb.dbt(*arguments, **places, **self.environment, **environment)

    def differ(self) -> dict[str, Any]:
        """Return the differences in stage and in processed."""
        found: dict[str, Any] = {}
        for here, there in (("stage", "stage"), ("processed", "processed_build")):
            ours = tables(self.duckdb.database, here, without=VERSIONS)
            theirs = tables(self.copy, there, without=VERSIONS)
            for table in ("identity_digests",):
                ours.pop(table, None), theirs.pop(table, None)
            found |= differences(ours, theirs)
        return found

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with session(self.settings) as connection:
            return run(connection, sql)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, snowflake: SnowflakeServer) -> Both:  # noqa: F811
    both = Both(tmp_path_factory.mktemp("both"), snowflake)
    both.duckdb.create()
    for period, files in PERIODS.items():
        both.duckdb.raw.write(period, files)
    both.duckdb.raw.write("2013-03", [text_file(number) for number in range(len(TEXTS))])
    names = enumerate(SEQUENCES.items(), 600)
    rows = [file(str(n), "1", 1, **(who | there)) for n, (_, (who, there)) in names]
    both.duckdb.raw.write("2014-03", [file("500", "1", 2, **DOE), *rows])
    return both


def test_every_row_of_stage_and_processed_is_the_same(both: Both) -> None:
    report = both.build()
    assert report.loaded == report.partitions == len(PERIODS) + 2
    assert not both.differ()
    rows = {name: len(rows) for name, (_, rows) in tables(both.copy, "processed_build").items()}
    assert rows["processed_images"] > len(TEXTS) + len(SEQUENCES)


def test_a_second_run_loads_and_builds_nothing(both: Both) -> None:
    for table in ENTITIES:
        column = "file_size" if table == "images" else "file_count"
        both.ask(f"update stage.staged_{table} set {column} = -1")
    assert both.build().loaded == 0
    for table in ENTITIES:
        column = "file_size" if table == "images" else "file_count"
        [(marked, total)] = both.ask(
            f"select count_if({column} = -1) as marked, count(*) as total from stage.staged_{table}"
        )
        assert marked == total > 0, table
    # rebuild the marked rows for the next steps
    both.ask("delete from raw.loaded_partitions")
    for table in ENTITIES:
        both.ask(f"delete from stage.staged_{table}")
    both.build()
    assert not both.differ()


def test_new_changed_and_deleted_partitions_give_the_same_rows(both: Both) -> None:
    raw = both.duckdb.raw
    raw.write("2015-01", [file("90", "1", n, StudyDate="20150102") for n in range(3)])
    raw.write("2012-03", [*PERIODS["2012-03"], file("91", "1", 1, **MARCH)])
    raw.remove("2012-05")
    report = both.build()
    assert (report.loaded, report.removed) == (2, 1)
    assert not both.differ()
    periods = {period for (period,) in both.ask("select distinct study_period from raw.images")}
    assert "2012-05" not in periods
    assert "2015-01" in periods


def test_a_name_first_seen_in_a_later_study_cleans_the_earlier_ones_again(both: Both) -> None:
    later = file("92", "1", 1, StudyDate="20160102", PatientName="Chest^Gerlinde")
    both.duckdb.raw.write("2016-01", [later])
    both.build()
    assert not both.differ()


def test_the_strict_profile_gives_the_same_rows(both: Both) -> None:
    both.duckdb.build(DICOM_DEID_PROFILE="strict")
    both.build_snowflake(DICOM_DEID_PROFILE="strict")
    assert not both.differ()


def test_no_key_is_in_what_dbt_writes_nor_in_any_statement(
    both: Both, snowflake: SnowflakeServer  # noqa: F811
) -> None:  # fmt: skip
    secret = derive(KEY.hex())
    parts = [value.encode() for value in (secret.ki, secret.ko, KEY.hex())]
    written = [p for p in both.duckdb.root.glob("*_2/**/*") if p.is_file()]
    assert len(written) > 10
    for path in (*written, snowflake.log):
        content = path.read_bytes()
        assert not any(part in content for part in parts), path.name
    # the searched keys are those that were used
    assert both.ask("select ki, ko from vault.keys") == [(secret.ki, secret.ko)]


def test_a_load_that_fails_halfway_leaves_all_partitions_as_they_were(both: Both) -> None:
    counts = "select study_period, count(*) as n from raw.images group by 1 order by 1"
    before = both.ask(counts), both.ask("select * from raw.loaded_partitions order by 1")
    schemas = both.zone.schemas()
    place = schemas["series"].get_field_index("file_count")
    schemas["series"] = schemas["series"].set(place, pa.field("file_count", pa.string()))

    class Broken(Zone):
        """All partitions have changed, and one column of series has another type."""

        def version(self, period: str) -> str | None:
            return "another"

        def read(self, table: str, period: str) -> pa.Table | None:
            rows = super().read(table, period)
            if rows is None:
                return None
            if table == "images":  # this table is copied first
                return rows.slice(0, 1)
            if table != "series":
                return rows
            texts = pa.repeat(pa.scalar("many"), rows.num_rows)
            return rows.set_column(rows.column_names.index("file_count"), "file_count", texts)

    with pytest.raises(SnowflakeError) as refused, session(both.settings) as connection:
        load_raw(connection, Broken(both.zone.root), schemas, both.copy.parent)
    assert "many" not in str(refused.value)
    after = both.ask(counts), both.ask("select * from raw.loaded_partitions order by 1")
    assert after == before
    assert not list(both.copy.parent.glob("loading_*"))
    assert both.build().loaded == 0
    assert not both.differ()
