"""``dicom-pipeline snowflake-setup``.

Belongs here: the option and output. Does not belong here: the statements (warehouse.snowflake).
"""

from __future__ import annotations

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug
from dicom_pipeline.config.settings import load_snowflake_settings
from dicom_pipeline.warehouse.snowflake.setup import setup_script


def snowflake_setup(debug: Debug = False) -> None:
    """Print the SQL that an administrator runs once in a Snowflake account.

    The SQL creates the database, warehouse, roles and grants with the names in
    the SNOWFLAKE_* variables, and with SNOWFLAKE_EDITION=enterprise also tags
    and masking policies. The command does not connect to Snowflake.

    Exit code: 0 done, 2 a setting cannot be used.
    """
    with user_errors(debug):
        print(setup_script(load_snowflake_settings(login=False)), end="")
