"""The build on Snowflake: what is done there before dbt, and what after it.

Belongs here: the order of statements around dbt, each part in a session of its own.
Does not belong here: the parts themselves (snowflake_load, _vault, _mirror, _publish), and dbt.
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

# what a purge's receipt says of deleted rows; `prepare` sees to it
TIME_TRAVEL = "transient schemas with a retention of 0 days: no Time Travel, no Fail-safe"


class SnowflakeBuild:
    """The build of one account's database.

    Parameters
    ----------
    settings
        How it is reached.
    mapping
        What each column is.
    copy
        Where the private copy of the build lies here.
    """

    def __init__(self, settings: SnowflakeSettings, mapping: AttributeMapping, copy: Path) -> None:
        self.settings = settings
        self.mapping = mapping
        self.copy = copy

    def prepare(
        self, secret: Secret, raw: RawPartitions, schemas: Mapping[str, pa.Schema]
    ) -> LoadReport:
        """Bring the vault and the raw schema up to date; what dbt reads.

        Raises
        ------
        SnowflakeError
            Snowflake refused something; partitions are loaded whole or not at all.
        """
        with session(self.settings) as connection:
            for schema in ("internal", "stage", BUILD):
                # before dbt does: what is taken out is gone, not kept for a day
                run(
                    connection,
                    f"create transient schema if not exists {schema}"
                    " data_retention_time_in_days = 0",
                )
            put_keys(connection, secret)
            report = load_raw(connection, raw, schemas, self.copy.parent)
            for schema in ("internal", "stage", BUILD, "raw", "vault"):
                # whoever made the schema: what a purge says of Time Travel has to be true
                run(connection, f"alter schema {schema} set data_retention_time_in_days = 0")
            return report

    def fetch(self) -> dict[str, int]:
        """Replace the private copy by what was built. Returns the rows of each table."""
        with session(self.settings) as connection:
            return mirror(connection, self.mapping, self.copy)

    def publish(
        self, comments: Comments, info: RunInfo, checked: Mapping[str, int]
    ) -> PublishReport:
        """Replace the schema that people query; see `publish_schema`."""
        with session(self.settings) as connection:
            return publish_schema(connection, self.settings, comments, info, checked)
