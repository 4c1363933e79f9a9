"""Snowflake receives the stage tables of DuckDB, and builds the same processed tables from them.

The archive has typical content, texts with hidden identifiers, and manipulated sequences. The tests
are steps of one history, in order.
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.config.settings import load_snowflake_settings
from dicom_pipeline.deid.keys import derive
from dicom_pipeline.mapping.attribute_mapping import ENTITIES, Attribute, AttributeMapping
from dicom_pipeline.warehouse.snowflake import load as load_module
from dicom_pipeline.warehouse.snowflake.load import LoadReport, load_stage
from dicom_pipeline.warehouse.snowflake.session import SnowflakeError, run, session
from dicom_pipeline.warehouse.snowflake.stage_tables import loaded_columns
from tests.endtoend.volumes import SERIES
from tests.warehouse.archive import MARCH, PERIODS, file
from tests.warehouse.conftest import KEY, Warehouse
from tests.warehouse.raw_zone import mapping_lines
from tests.warehouse.sequence_files import BROKEN, DOE, FILES, GROUPS, TAMPERED
from tests.warehouse.study_versions import random_files
from tests.warehouse.test_clean_text import TEXTS, text_file

from .snowflake_copy import copy_tables
from .snowflake_server import SnowflakeServer, snowflake  # noqa: F401
from .tables import differences, tables

pytestmark = [pytest.mark.timeout(900)]

SEQUENCES = {
    **{name: there for name, there in FILES.items() if name != "many"},
    **{name: (DOE, {GROUPS: f"[\n{{\n{line}\n}}\n]"}) for name, line in TAMPERED.items()},
    **{name: (DOE, {GROUPS: text}) for name, text in BROKEN.items()},
}
# studies in several versions, in two partitions
VERSIONS = random_files(3, 10)
GEOMETRY = (
    "SOPClassUID", "ImageType", "Rows", "PixelSpacing", "NumberOfFrames", "ImagePositionPatient",
    "ImageOrientationPatient", "GridFrameOffsetVector", "TemporalPositionIndex",
)  # fmt: skip
# a hash of SQL, which differs between the engines
MODEL_VERSION = ("model_version",)
# columns with texts of the models
MODEL_TEXTS = (
    *MODEL_VERSION, "table_name", "column_name", "conflicting_attributes", "orientation_plane",
)  # fmt: skip
SELECTION = (
    "--select", "processed", "anonymization_mapping", "confidentiality_profile",
    "deidentification_methods", "quasi_identifiers", "vr_functions",
)  # fmt: skip


def volumes() -> list[dict[str, str]]:
    """Return the rows of series with known geometry, as extraction writes them."""
    made = []
    for place, (images, values) in enumerate(SERIES.values()):
        for number, (orientation, position, *own) in enumerate(images):
            attributes = {
                "PixelSpacing": ["0.7", "0.8"], "Rows": 4, "ImageOrientationPatient": orientation,
                "ImagePositionPatient": position,
            }  # fmt: skip
            for more in (values, *own):
                attributes |= more
            texts = {
                name: "\\".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
                for name, value in attributes.items()
                if name in GEOMETRY and value is not None
            }
            absent = {name: "" for name in GEOMETRY if attributes.get(name, "") is None}
            made.append(file(f"77{place}", "1", number, PatientID="MRN-77", **texts | absent))
    return made


class Both:
    """One archive on DuckDB and on Snowflake."""

    def __init__(self, root: Path, server: SnowflakeServer) -> None:
        self.duckdb = Warehouse(root)
        self.environment = server.environment("ARCHIVE")
        self.settings = load_snowflake_settings(self.environment)
        self.copy = root / "copy" / "snowflake.duckdb"
        self.scratch = root / "scratch"
        self.scratch.mkdir()
        with session(self.settings) as connection:
            run(connection, "create schema if not exists stage")

    def build(self, **environment: str) -> LoadReport:
        """Build on DuckDB, load stage, and build processed on Snowflake."""
        self.duckdb.build(**environment)
        report = self.load()
        done = self.dbt("build", *SELECTION, **environment)
        assert done.returncode == 0, done.stdout
        return report

    def load(self) -> LoadReport:
        with session(self.settings) as connection:
            # fakesnow takes the stage area of a COPY for a table without a schema
            run(connection, "use schema stage")
            return load_stage(
                connection, self.duckdb.database, loaded_columns(self.mapping), self.scratch
            )

    @property
    def mapping(self) -> AttributeMapping:
        """Mapping of the tests, which contains attributes that are not in the dictionary."""
        lines = [
            {field: line[field] for field in ("attribute", "vm", "type", "research", "strict")}
            | {"table": line["table_name"], "column": line["column_name"]}
            for line in mapping_lines(self.duckdb.seed)
        ]
        path = AttributePath((), 0, "")
        return AttributeMapping(
            tuple(Attribute(**line, reviewed=True, reason="", path=path) for line in lines)
        )

    def dbt(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        root = self.duckdb.root
        places = {"DBT_TARGET_PATH": str(root / "target_2"), "DBT_LOG_PATH": str(root / "logs_2")}
        return self.duckdb.dbt(*arguments, **places, **self.environment, **environment)

    def differ(self) -> dict[str, Any]:
        """Return the differences in the loaded columns of stage, and in processed."""
        with session(self.settings) as connection:
            copy_tables(connection, self.mapping, self.copy, ["stage", "processed_build"])
        stage = tables(self.duckdb.database, "stage")
        loaded = loaded_columns(self.mapping)
        for table, (types, _) in stage.items():
            private = tuple(types.keys() - loaded[table])
            stage |= {table: tables(self.duckdb.database, "stage", without=private)[table]}
        return differences(stage, tables(self.copy, "stage")) | differences(
            tables(self.duckdb.database, "processed", without=MODEL_VERSION),
            tables(self.copy, "processed_build", without=MODEL_VERSION),
        )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with session(self.settings) as connection:
            return run(connection, sql)

    def versions(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return the number of rows of each partition on Snowflake, by table."""
        query = "select period_key, stage_version, count(*) as n from stage.staged_{} group by 1, 2"
        return {table: sorted(self.ask(query.format(table))) for table in ENTITIES}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, snowflake: SnowflakeServer) -> Both:  # noqa: F811
    both = Both(tmp_path_factory.mktemp("both"), snowflake)
    both.duckdb.create()
    for period, files in (PERIODS | VERSIONS).items():
        both.duckdb.raw.write(period, files)
    both.duckdb.raw.write("2013-03", [text_file(number) for number in range(len(TEXTS))])
    names = enumerate(SEQUENCES.items(), 600)
    rows = [file(str(n), "1", 1, **(who | there)) for n, (_, (who, there)) in names]
    both.duckdb.raw.write("2014-03", [file("500", "1", 2, **DOE), *rows])
    both.duckdb.raw.write("2017-01", volumes())
    both.duckdb.raw.write("2013-05", [file("989", "1", 1, PatientID="MRN-89")])
    return both


def test_every_loaded_row_and_every_row_built_from_them_is_that_of_duckdb(both: Both) -> None:
    report = both.build()
    assert report.loaded == report.partitions == len(PERIODS | VERSIONS) + 4
    assert not both.differ()
    rows = {name: len(rows) for name, (_, rows) in tables(both.copy, "processed_build").items()}
    assert rows["processed_images"] > len(TEXTS) + len(SEQUENCES)
    assert both.ask(
        "select count(*) as n from processed_build.series_geometry where is_regular"
        " or gantry_tilt_degrees > 1 or is_mosaic or slice_count = 30"
    ) >= [(len(SERIES) // 3,)]


def held_values(database: Path, schema: str) -> set[tuple[str | None, str]]:
    """Return the texts and dates of a schema, each with its patient, and with None."""
    kinds = ("VARCHAR", "VARCHAR[]", "JSON", "DATE", "TIMESTAMP")
    held: set[tuple[str | None, str]] = set()
    for table, (types, rows) in tables(database, schema, without=MODEL_TEXTS).items():
        names = list(types)
        for row in rows if table != "deidentification" else ():
            cells = dict(zip(names, row, strict=True))
            patient = cells.get("patient_key")
            for column, value in cells.items():
                if value is not None and types[column] in kinds:
                    for element in value if isinstance(value, list) else [value]:
                        # a series that several patients share has one modality
                        owner = None if column == "modalities" else patient
                        held |= {(owner, str(element)), (None, str(element))}
    return held


def test_processed_has_no_text_and_no_date_that_is_not_in_the_loaded_stage(both: Both) -> None:
    """So the check of stage covers processed, which is not compared with terms on the server."""
    stage = held_values(both.copy, "stage")
    processed = held_values(both.copy, "processed_build")
    assert len(processed) > 1000
    other = processed - stage
    assert not other


def test_a_second_load_sends_nothing(both: Both, snowflake: SnowflakeServer) -> None:  # noqa: F811
    statements, uploads = len(snowflake.statements()), len(snowflake.uploads())
    assert both.load().loaded == 0
    assert len(snowflake.uploads()) == uploads
    sent = snowflake.statements()[statements:]
    assert not [s for s in sent if s.split()[0] not in ("select", "remove", "use", "create")]
    assert not [s for s in sent if s.startswith("create or replace")]
    assert not both.differ()


def test_new_changed_and_deleted_partitions_give_the_same_rows(both: Both) -> None:
    """Files of other patients, because new terms of a patient change each of its partitions."""
    raw, before = both.duckdb.raw, set(both.versions()["images"])
    new = [file("990", "1", n, PatientID="MRN-90", StudyDate="20150102") for n in range(3)]
    raw.write("2015-01", new)
    raw.write("2012-03", [*PERIODS["2012-03"], file("991", "1", 1, PatientID="MRN-91", **MARCH)])
    raw.remove("2013-05")
    report = both.build()
    after = set(both.versions()["images"])
    assert (len(after - before), len(before - after), report.removed) == (2, 2, 1)
    assert not both.differ()


def test_a_name_first_seen_in_a_later_study_cleans_the_earlier_ones_again(both: Both) -> None:
    later = file("992", "1", 1, StudyDate="20160102", PatientName="Chest^Gerlinde")
    both.duckdb.raw.write("2016-01", [later])
    both.build()
    assert not both.differ()


@pytest.mark.parametrize("killed_at", ["copy into", "remove @stage.incoming/"])
def test_a_killed_load_leaves_tables_of_one_version_and_the_next_load_completes_it(
    both: Both, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    both.duckdb.execute("update stage.staged_images set stage_version = stage_version || 'x'")
    both.duckdb.execute("update stage.staged_series set stage_version = stage_version || 'x'")
    before = both.versions()
    seen = 0

    def killed(connection: Any, statement: str, *bound: object) -> list[tuple[Any, ...]]:
        nonlocal seen
        if statement.startswith(killed_at):
            seen += 1
            # of a COPY the first table is loaded
            if seen > (killed_at == "copy into"):
                raise KeyboardInterrupt
        return run(connection, statement, *bound)

    monkeypatch.setattr(load_module, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        both.load()
    monkeypatch.undo()
    after = both.versions()
    if killed_at == "copy into":
        assert after == before
    else:
        changed = {table for table in ENTITIES if after[table] != before[table]}
        assert changed == {"images", "series"}
    assert not list(both.scratch.iterdir())
    both.load()
    assert both.load().loaded == 0
    assert all(version.endswith("x") for _, version, _ in both.versions()["images"])


def test_each_load_first_sends_the_removal_of_files_that_an_earlier_load_left(
    both: Both, snowflake: SnowflakeServer  # noqa: F811
) -> None:  # fmt: skip
    """The local server accepts the statement without effect."""
    before = len(snowflake.statements())
    both.load()
    sent = snowflake.statements()[before:]
    removal = sent.index("remove @stage.incoming")
    assert not [s for s in sent[:removal] if s.startswith(("put", "copy into"))]


def test_a_refused_statement_is_an_error_without_values(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.duckdb.execute("update stage.staged_series set stage_version = stage_version || 'y'")
    before = both.versions()
    monkeypatch.setitem(load_module._TYPES, "VARCHAR", "NUMBER(38,0)")
    monkeypatch.setattr(load_module, "_prepare_tables", lambda *_: None)
    with pytest.raises(SnowflakeError) as refused:
        both.load()
    assert "\n" not in str(refused.value)
    assert not any(word in str(refused.value) for word in ("select", "staged", "CHEST"))
    assert both.versions() == before


def test_a_column_that_is_not_listed_is_not_sent(both: Both, snowflake: SnowflakeServer) -> None:  # noqa: F811
    sent = len(snowflake.uploads())
    both.duckdb.execute("alter table stage.staged_series add column true_name varchar")
    both.duckdb.execute("update stage.staged_series set true_name = 'Meier^Anna'")
    both.duckdb.execute("create table stage.true_names as select 'Meier^Anna' as name")
    both.duckdb.execute("update stage.staged_series set stage_version = stage_version || 'z'")
    assert both.load().loaded > 0
    uploads = snowflake.uploads()[sent:]
    assert uploads
    for path in uploads:
        assert "Meier" not in str(pq.read_table(io.BytesIO(path.read_bytes())).to_pydict())
    assert not both.ask("select 1 as one from information_schema.columns where column_name ="
                        " 'TRUE_NAME' or table_name = 'TRUE_NAMES'")  # fmt: skip
    both.duckdb.execute("alter table stage.staged_series drop column true_name")
    both.duckdb.execute("drop table stage.true_names")


def test_the_strict_profile_gives_the_same_rows(both: Both) -> None:
    both.build(DICOM_DEID_PROFILE="strict")
    assert not both.differ()


def test_stage_cannot_be_built_on_snowflake(both: Both) -> None:
    done = both.dbt("build", "--select", "staged_images")
    assert done.returncode != 0
    assert "staged_images reads raw patient data: build it with --target local" in done.stdout


def test_no_key_is_sent_or_in_what_dbt_writes(
    both: Both, snowflake: SnowflakeServer  # noqa: F811
) -> None:  # fmt: skip
    secret = derive(KEY.hex())
    parts = [value.encode() for value in (secret.ki, secret.ko, KEY.hex())]
    written = [p for p in both.duckdb.root.glob("*_2/**/*") if p.is_file()]
    assert len(written) > 10
    for path in (*written, snowflake.log, snowflake.bindings, *snowflake.uploads()):
        content = path.read_bytes()
        assert not any(part in content for part in parts), path.name
    # the id of the key, which is sent, is found by the same search
    ids = [path for path in snowflake.uploads() if secret.key_id.encode() in path.read_bytes()]
    assert ids
