"""The build on Snowflake: the steps before and after dbt.

Belongs here: the order of the steps, each in a session of its own.
Does not belong here: the steps themselves (load, vault, mirror, publish), dbt.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from dicom_pipeline.config.snowflake import SnowflakeSettings
from dicom_pipeline.deid.keys import Secret
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping
from dicom_pipeline.warehouse.data_dictionary import Comments, RunInfo
from dicom_pipeline.warehouse.duckdb.publish import PublishReport
from dicom_pipeline.warehouse.snowflake.load import LoadReport, RawPartitions, load_raw
from dicom_pipeline.warehouse.snowflake.mirror import mirror
from dicom_pipeline.warehouse.snowflake.publish import BUILD, publish_schema
from dicom_pipeline.warehouse.snowflake.session import run, session
from dicom_pipeline.warehouse.snowflake.vault import put_keys

# text about deleted rows in the receipt of a purge; `prepare` sets this retention
TIME_TRAVEL = "transient schemas with a retention of 0 days: no Time Travel, no Fail-safe"


class SnowflakeBuild:
    """The build in one database of a Snowflake account.

    Parameters
    ----------
    settings
        Account, database, roles and login.
    mapping
        The columns.
    copy
        Path of the private local copy of the build.
    """

    def __init__(self, settings: SnowflakeSettings, mapping: AttributeMapping, copy: Path) -> None:
        self.settings = settings
        self.mapping = mapping
        self.copy = copy

    def prepare(
        self, secret: Secret, raw: RawPartitions, schemas: Mapping[str, pa.Schema]
    ) -> LoadReport:
        """Update the vault and the raw schema, which dbt reads.

        Raises
        ------
        SnowflakeError
            Snowflake refused a statement. Partitions are loaded completely or not at all.
        """
        with session(self.settings) as connection:
            for schema in ("internal", "stage", BUILD):
                # before dbt creates them: without retention, deleted rows cannot be restored
                run(
                    connection,
                    f"create transient schema if not exists {schema}"
                    " data_retention_time_in_days = 0",
                )
            put_keys(connection, secret)
            report = load_raw(connection, raw, schemas, self.copy.parent)
            for schema in ("internal", "stage", BUILD, "raw", "vault"):
                # also for existing schemas: the receipt of a purge states this retention
                run(connection, f"alter schema {schema} set data_retention_time_in_days = 0")
            return report

    def fetch(self) -> dict[str, int]:
        """Replace the private copy by the built tables; return the number of rows by table."""
        with session(self.settings) as connection:
            return mirror(connection, self.mapping, self.copy)

    def publish(
        self, comments: Comments, info: RunInfo, checked: Mapping[str, int]
    ) -> PublishReport:
        """Replace the published schema; see `publish_schema`."""
        with session(self.settings) as connection:
            return publish_schema(connection, self.settings, comments, info, checked)
