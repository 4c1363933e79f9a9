"""The same tables from every combination of storage, extractor and warehouse.

Each cell of the matrix {directory, S3} x {local, Lambda} x {DuckDB, Snowflake} runs the same
history on the command line: a first load, no changes, then new, changed and deleted files. After
each step, all tables equal those of the reference cell, row by row. Lambda cannot read a directory:
these two cells are refused with a one-line error.

Three cells run by default, and `make test-cloud` all: a run on the local Snowflake takes a minute.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from pydicom import dcmread

from dicom_pipeline.config.settings import load_snowflake_settings
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.warehouse.snowflake.session import session
from tests.cloud.conftest import VARIABLES
from tests.cloud.lambda_server import LambdaServer
from tests.cloud.snowflake_copy import copy_tables
from tests.cloud.snowflake_server import SnowflakeServer, snowflake
from tests.cloud.tables import ENGINE_COLUMNS, Table, differences, tables
from tests.cloud.test_lambda import FUNCTION, server_of
from tests.cloud.test_same_rows import rows
from tests.endtoend.archive import write_instances
from tests.endtoend.conftest import Site, files_read, summary
from tests.support.dicom import WHEEL, wheel_files
from tests.warehouse.conftest import KEY

__all__ = ["snowflake"]
pytestmark = pytest.mark.timeout(1800)
BUCKET = "parity"
# columns that depend on the location, the time of arrival or the SQL of an engine
LOCATION_COLUMNS = (
    "file_mtime_ns", "file_etag", "raw_version", "base_version", "stage_version", "model_version",
    "instance_precedence", "version_file_time",  # of the time of the file
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A storage location, an extractor and a warehouse."""

    landing: str
    extractor: str
    target: str

    def __str__(self) -> str:
        return f"{self.landing}-{self.extractor}-{self.target}"


REFERENCE = Cell("directory", "local", "duckdb")
# with the reference cell, these cover 9 of 11 pairs of values, the maximum for three cells
BY_DEFAULT = (Cell("s3", "lambda", "duckdb"), Cell("s3", "local", "snowflake"))
AS_WELL = (
    Cell("s3", "local", "duckdb"),
    Cell("directory", "local", "snowflake"),
    Cell("s3", "lambda", "snowflake"),
)
OTHERS = (*BY_DEFAULT, *(pytest.param(cell, marks=pytest.mark.slow) for cell in AS_WELL))


class Archive:
    """The files in the landing zone of one cell, and their changes."""

    def __init__(self, folder: Path, upload: Callable[[Path], None] | None) -> None:
        self.folder = folder
        self.upload = upload

    def fill(self) -> None:
        """Write the sample and 60 instances of nine series."""
        for path in wheel_files():
            target = self.folder / path.relative_to(WHEEL)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        write_instances(self.folder / "made", 60, series=9)
        self._sync()

    def change(self) -> int:
        """Add, change and delete files; return how many must be read."""
        write_instances(self.folder / "more", 7, prefix="more")
        changed = self.folder / "made" / "i00003.dcm"
        header = dcmread(changed)
        # a new date moves the file to another partition
        header.SeriesDescription, header.KVP, header.StudyDate = (
            "chest of somebody",
            "80",
            "20111103",
        )
        header.save_as(changed)
        for number in (10, 11, 12):
            (self.folder / "made" / f"i{number:05d}.dcm").unlink()
        # a new name, which must be removed from texts of the patient's other studies too
        header.PatientName, header.SOPInstanceUID = "Chest^Gerlinde", "1.2.3.4.5.6"
        header.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5.6"
        header.StudyDate = "20120504"
        header.save_as(self.folder / "more" / "named.dcm")
        self._sync()
        return 9

    def _sync(self) -> None:
        if self.upload is not None:
            self.upload(self.folder)


@dataclass(frozen=True)
class Step:
    """Results of a run, read by pyarrow and DuckDB."""

    read: int
    counts: dict[str, int]
    raw: dict[str, list[str]]
    stage: dict[str, Table]
    published: dict[str, Table]
    seconds: float

    def differs_from(self, other: Step) -> dict[str, Any]:
        """Return the differences by table."""
        found: dict[str, Any] = {}
        if self.counts != other.counts or self.read != other.read:
            found["counts"] = (self.read, self.counts), (other.read, other.counts)
        for name in sorted(self.raw.keys() | other.raw.keys()):
            one, two = self.raw.get(name, []), other.raw.get(name, [])
            if one != two:
                found[f"raw {name}"] = next(iter(set(one) ^ set(two)), "rows that are there twice")
        return found | {
            f"{kind} {table}": what
            for kind, ours, theirs in (
                ("stage", self.stage, other.stage), ("published", self.published, other.published)
            )
            for table, what in differences(ours, theirs).items()
        }  # fmt: skip

    def __str__(self) -> str:
        processed = {name: len(found) for name, (_, found) in sorted(self.published.items())}
        return f"{self.seconds:.0f} s, {self.read} read, {processed}"


class Run:
    """A cell with its own archive."""

    def __init__(self, cell: Cell, root: Path, servers: Servers) -> None:
        self.cell = cell
        self.site = Site(root)
        environment = self.site.environment
        environment["DICOM_PSEUDONYM_KEY"] = KEY.hex()
        upload = None
        if cell.landing == "s3":
            upload = servers.uploader(str(cell))
            environment |= VARIABLES | {
                "AWS_ENDPOINT_URL": servers.s3,
                "DICOM_LANDING_URI": f"s3://{BUCKET}/{cell}/dicom",
                "DICOM_RAW_URI": f"s3://{BUCKET}/{cell}/raw",
            }
        if cell.extractor == "lambda":
            environment |= {
                "AWS_ENDPOINT_URL_LAMBDA": servers.function.url,
                "DICOM_EXTRACTOR": "lambda",
                "DICOM_LAMBDA_FUNCTION": FUNCTION,
                "DICOM_LAMBDA_CONCURRENCY": "2",
            }
        self.copy = None
        if cell.target == "snowflake":
            environment |= servers.snowflake.environment(str(cell).replace("-", "_").upper())
            self.copy = root / "copy" / "snowflake.duckdb"
        self.archive = Archive(self.site.landing, upload)

    def steps(self) -> Iterator[Step]:
        """Yield a first load, a run without changes, and a run with all kinds of changes."""
        self.archive.fill()
        yield self._step()
        yield self._step()
        expected = self.archive.change()
        step = self._step()
        assert step.read == expected
        yield step

    def _step(self) -> Step:
        begun = time.perf_counter()
        output = self.site.command("run", seconds=600)  # the local Snowflake is slow
        seconds = time.perf_counter() - begun
        warehouse = self.site.root / "warehouse"
        raw = warehouse / "raw-mirror" if self.cell.landing == "s3" else self.site.root / "raw"
        published = tables(self.site.database, "processed", without=ENGINE_COLUMNS)
        if self.copy is not None:
            # the tables on Snowflake, not the local ones
            with session(load_snowflake_settings(self.site.environment)) as connection:
                copy_tables(connection, load_mapping(), self.copy, ["processed"])
            there = tables(self.copy, "processed", without=ENGINE_COLUMNS)
            assert not differences(published, there)
        stage = tables(warehouse / "build.duckdb", "stage", without=LOCATION_COLUMNS)
        # row counts of tables are excluded: the engines differ in which tables are views
        counts = {name: count for name, count in summary(output).items() if "." not in name}
        return Step(files_read(output), counts, rows(raw), stage, published, seconds)


@dataclass
class Servers:
    """Local emulators of the cloud services."""

    s3: str
    function: LambdaServer
    snowflake: SnowflakeServer

    def uploader(self, prefix: str) -> Callable[[Path], None]:
        """Return a function that synchronizes a folder to a prefix."""
        client = boto3.client(
            "s3", endpoint_url=self.s3, region_name="us-east-1", aws_access_key_id="x",
            aws_secret_access_key="y",
        )  # fmt: skip
        sent: dict[str, bytes] = {}

        def upload(folder: Path) -> None:
            there = {
                f"{prefix}/dicom/{path.relative_to(folder).as_posix()}": path.read_bytes()
                for path in folder.rglob("*")
                if path.is_file()
            }
            for key in sent.keys() - there.keys():
                client.delete_object(Bucket=BUCKET, Key=key)
            for key, body in there.items():
                if sent.get(key) != body:
                    client.put_object(Bucket=BUCKET, Key=key, Body=body)
            sent.clear()
            sent.update(there)

        return upload


@pytest.fixture(scope="module")
def servers(server: str, snowflake: SnowflakeServer) -> Iterator[Servers]:
    boto3.client(
        "s3", endpoint_url=server, region_name="us-east-1", aws_access_key_id="x",
        aws_secret_access_key="y",
    ).create_bucket(Bucket=BUCKET)  # fmt: skip
    function = server_of("dicom_pipeline.extract.lambda_.handler.handler", server)
    yield Servers(server, function, snowflake)
    function.close()


@pytest.fixture(scope="module")
def expected(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> list[Step]:
    """History of the reference cell."""
    return list(Run(REFERENCE, tmp_path_factory.mktemp("plainest"), servers).steps())


def test_the_reference_cell_has_rows_in_every_compared_table(
    expected: list[Step], record_property: Callable[[str, object], None]
) -> None:
    first, nothing, changed = expected
    assert first.read > 240
    assert nothing.read == 0
    assert nothing.differs_from(first).keys() == {"counts"}  # only the number of files read differs
    for step in (first, changed):
        assert all(step.raw.values())
        assert all(found for _, found in (*step.stage.values(), *step.published.values()))
    assert changed.differs_from(first).keys() >= {
        "counts", "raw images", "stage staged_images", "published processed_series",
    }  # fmt: skip
    for step in expected:
        record_property(f"parity {REFERENCE}", str(step))


@pytest.mark.parametrize("cell", OTHERS, ids=str)
def test_a_cell_has_the_rows_of_the_reference_cell(
    cell: Cell,
    expected: list[Step],
    servers: Servers,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    asked = len(servers.function.calls)
    steps = Run(cell, tmp_path, servers).steps()
    for number, (step, plain) in enumerate(zip(steps, expected, strict=True)):
        assert not step.differs_from(plain), f"step {number}"
        record_property(f"parity {cell}", str(step))
    called = servers.function.calls[asked:]
    assert sum(call.files for call in called) == (
        sum(step.read for step in expected) if cell.extractor == "lambda" else 0
    )


@pytest.mark.parametrize("target", ["duckdb", "snowflake"])
def test_lambda_does_not_read_a_directory(target: str, servers: Servers, tmp_path: Path) -> None:
    run = Run(Cell("directory", "lambda", target), tmp_path, servers)
    output = run.site.command("run", code=2)
    assert output.strip().count("\n") <= 1
    assert "DICOM_EXTRACTOR=lambda needs a DICOM_LANDING_URI that starts with s3://" in output
