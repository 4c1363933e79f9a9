"""Setup of a Snowflake account: database, warehouse, roles, grants, tags, masking policies.

Belongs here: the statements, with names from the settings.
Does not belong here: running them. They need privileges that the pipeline's role must not have, so
that ``dicom-pipeline snowflake-setup`` prints them for an administrator.

There are two roles. The pipeline logs in with the builder role, which owns the schemas. The
analyst role sees only ``processed``: not ``stage``, ``internal`` or the build.
"""

from __future__ import annotations

from collections.abc import Iterator

from dicom_pipeline.config.snowflake import SnowflakeSettings
from dicom_pipeline.warehouse.snowflake.publish import BUILD, TAG
from dicom_pipeline.warehouse.snowflake.session import name, text

# schemas with internal columns, for the builder only
PRIVATE = ("internal", "stage", BUILD)
PUBLIC = ("processed",)
# functions of the mapping; the masking policy hides columns with the tags of free text
FREE_TEXT = ("clean_text", "clean_sequence")
KEPT = (
    "age_cap", "anon_text", "keep", "keep_code", "keep_number", "keep_time", "pseudonym", "remove",
    "shift_date", "shift_datetime", "uid",
)  # fmt: skip
_NO_RETENTION = "data_retention_time_in_days = 0"


def setup_statements(settings: SnowflakeSettings) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the statements in order, as groups with a title.

    Parameters
    ----------
    settings
        Names, size of the warehouse, and the edition, which determines whether tags and policies
        are available.
    """
    database, warehouse = name(settings.database), name(settings.warehouse)
    builder, analyst = name(settings.role), name(settings.analyst_role)
    yield (
        "roles",
        (
            "use role useradmin",
            f"create role if not exists {builder}",
            f"create role if not exists {analyst}",
            f"grant role {builder} to role sysadmin",
            f"grant role {analyst} to role sysadmin",
        ),
    )
    yield (
        "warehouse: suspends after one idle minute, so that it costs only while queries run",
        (
            "use role sysadmin",
            f"create warehouse if not exists {warehouse} warehouse_size ="
            f" {settings.warehouse_size} auto_suspend = 60 auto_resume = true"
            " initially_suspended = true statement_timeout_in_seconds = 7200",
            f"grant usage on warehouse {warehouse} to role {builder}",
            f"grant usage on warehouse {warehouse} to role {analyst}",
        ),
    )
    yield (
        "transient database: Fail-safe of permanent tables cannot be purged",
        (
            f"create transient database if not exists {database} {_NO_RETENTION}",
            f"grant usage on database {database} to role {builder}",
            f"grant create schema on database {database} to role {builder}",
            f"grant usage on database {database} to role {analyst}",
            f"drop schema if exists {database}.public",
        ),
    )
    schemas = tuple(f"{database}.{schema}" for schema in (*PRIVATE, *PUBLIC))
    yield (
        "schemas; the builder owns them and all objects in them",
        tuple(
            statement
            for schema in schemas
            for statement in (
                f"create transient schema if not exists {schema} {_NO_RETENTION}",
                f"grant ownership on schema {schema} to role {builder} copy current grants",
            )
        ),
    )
    yield (
        "analysts: access until the first publication, which grants access to its tables",
        tuple(f"grant usage on schema {database}.{s} to role {analyst}" for s in PUBLIC),
    )
    if settings.edition == "enterprise":
        yield from _governance(settings)
    user = name(settings.user or "DICOM_PIPELINE")
    yield (
        "user of the pipeline; insert the public key of its key pair",
        (
            "use role useradmin",
            f"create user if not exists {user} type = service default_role = {builder}"
            f" default_warehouse = {warehouse} rsa_public_key = '<public key>'",
            f"grant role {builder} to user {user}",
        ),
    )


def _governance(settings: SnowflakeSettings) -> Iterator[tuple[str, tuple[str, ...]]]:
    database, builder = name(settings.database), name(settings.role)
    reader = name(f"{settings.analyst_role}_TEXT")
    analyst = name(settings.analyst_role)
    tag = f"{database}.{TAG}"
    policy = f"{database}.internal.free_text"
    values = ", ".join(map(text, (*KEPT, *FREE_TEXT)))
    hidden = ", ".join(map(text, FREE_TEXT))
    shown = f"is_role_in_session({text(f'{settings.analyst_role}_TEXT')})"
    owned = f"is_role_in_session({text(settings.role)})"
    of_tag = f"system$get_tag_on_current_column({text(tag)}) in ({hidden})"
    case = f"case when {shown} or {owned} or not {of_tag} then value"
    yield (
        "tags with the de-identification of columns; free text is visible to a separate role",
        (
            "use role useradmin",
            f"create role if not exists {reader}",
            f"grant role {analyst} to role {reader}",
            f"use role {builder}",
            f"create tag if not exists {tag} allowed_values {values}",
            f"create masking policy if not exists {policy}_value as (value varchar) returns varchar"
            f" -> {case} else '[masked]' end",
            f"create masking policy if not exists {policy}_array as (value array) returns array"
            f" -> {case} end",
            f"create masking policy if not exists {policy}_variant as (value variant) returns"
            f" variant -> {case} end",
            "use role accountadmin",
            f"alter tag {tag} set masking policy {policy}_value, masking policy {policy}_array,"
            f" masking policy {policy}_variant",
        ),
    )


def setup_script(settings: SnowflakeSettings) -> str:
    """Return the statements as one script, for Snowsight or ``snow sql``."""
    groups = [
        "\n".join([f"-- {title}", *(f"{statement};" for statement in statements)])
        for title, statements in setup_statements(settings)
    ]
    return "\n\n".join(groups) + "\n"
