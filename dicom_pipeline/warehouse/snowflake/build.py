"""The tables on Snowflake: the steps before and after dbt builds ``processed`` there.

Belongs here: the order of the steps, each in a session of its own.
Does not belong here: the steps themselves (load, publish, purge_check), dbt.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dicom_pipeline.config.snowflake import SnowflakeSettings
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping
from dicom_pipeline.warehouse.data_dictionary import Comments, RunInfo
from dicom_pipeline.warehouse.duckdb.publish import PublishReport
from dicom_pipeline.warehouse.duckdb.row_counts import SubjectKeys
from dicom_pipeline.warehouse.snowflake.load import SCHEMA as STAGE
from dicom_pipeline.warehouse.snowflake.load import LoadReport, load_stage
from dicom_pipeline.warehouse.snowflake.publish import BUILD, publish_schema
from dicom_pipeline.warehouse.snowflake.purge_check import PurgeCheck, check_purge
from dicom_pipeline.warehouse.snowflake.session import run, session
from dicom_pipeline.warehouse.snowflake.stage_tables import loaded_columns


class SnowflakeBuild:
    """The tables in one database of a Snowflake account.

    Parameters
    ----------
    settings
        Account, database, roles and login.
    mapping
        The columns.
    build
        The build database, which has the stage tables.
    """

    def __init__(self, settings: SnowflakeSettings, mapping: AttributeMapping, build: Path) -> None:
        self.settings = settings
        self.mapping = mapping
        self.build = build

    def load(self) -> LoadReport:
        """Load the partitions of stage that differ.

        Raises
        ------
        SnowflakeError
            Snowflake refused a statement. Partitions are loaded completely or not at all.
        """
        schemas = ("internal", STAGE, BUILD)
        with session(self.settings) as connection:
            for schema in schemas:
                # before dbt creates them: without retention, deleted rows cannot be restored
                run(
                    connection,
                    f"create transient schema if not exists {schema}"
                    " data_retention_time_in_days = 0",
                )
                # also for existing schemas; the receipt of a purge states what is effective
                run(connection, f"alter schema {schema} set data_retention_time_in_days = 0")
            allowed = loaded_columns(self.mapping)
            return load_stage(connection, self.build, allowed, self.build.parent)

    def publish(
        self, comments: Comments, info: RunInfo, checked: Mapping[str, int]
    ) -> PublishReport:
        """Replace the rows of the published schema; see `publish_schema`."""
        with session(self.settings) as connection:
            return publish_schema(connection, self.settings, comments, info, checked)

    def check_purge(self, keys: SubjectKeys) -> PurgeCheck:
        """Count the rows of purged subjects on the server, and read the retention of its tables.

        Raises
        ------
        SnowflakeError
            Snowflake cannot be reached, or refused a statement.
        """
        with session(self.settings) as connection:
            return check_purge(connection, keys)
