"""What an administrator runs once in an account: database, warehouse, roles, grants, tags, masking.

Belongs here: the statements, with the names of the settings.
Does not belong here: running them. They need rights that the pipeline's own role does not have and
should not get, so they are printed for a person (``dicom-pipeline snowflake-setup``).

Two roles. The builder owns the schemas and is what the pipeline logs in as. Analysts see nothing
but ``processed``: neither ``raw`` and ``vault`` nor ``stage``, ``internal`` and the build.
"""

from __future__ import annotations

from collections.abc import Iterator

from dicom_pipeline.config.snowflake import SnowflakeSettings
from dicom_pipeline.warehouse.snowflake.publish import BUILD, TAG
from dicom_pipeline.warehouse.snowflake.session import name, text

# where identifiers, keys or bookkeeping are; nobody but the builder
PRIVATE = ("raw", "vault", "internal", "stage", BUILD)
PUBLIC = ("processed",)
# as the mapping's functions; the policy shows analysts what has these tags, and hides free text
FREE_TEXT = ("clean_text", "clean_sequence")
KEPT = (
    "age_cap", "anon_text", "keep", "keep_code", "keep_number", "keep_time", "pseudonym", "remove",
    "shift_date", "shift_datetime", "uid",
)  # fmt: skip
_NOTHING_KEPT = "data_retention_time_in_days = 0"


def setup_statements(settings: SnowflakeSettings) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The statements in order, in groups with a title each.

    Parameters
    ----------
    settings
        The names, the size of the warehouse, and whether the account has tags and policies.
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
        "warehouse: suspends after a minute, so that it costs while something runs",
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
        "database; what is deleted is gone, since all of it can be made anew from the raw zone",
        (
            f"create transient database if not exists {database} {_NOTHING_KEPT}",
            f"grant usage on database {database} to role {builder}",
            f"grant create schema on database {database} to role {builder}",
            f"grant usage on database {database} to role {analyst}",
            f"drop schema if exists {database}.public",
        ),
    )
    schemas = tuple(f"{database}.{schema}" for schema in (*PRIVATE, *PUBLIC))
    yield (
        "schemas, owned by the builder, and so is what it makes in them",
        tuple(
            statement
            for schema in schemas
            for statement in (
                f"create transient schema if not exists {schema} {_NOTHING_KEPT}",
                f"grant ownership on schema {schema} to role {builder} copy current grants",
            )
        ),
    )
    yield (
        "analysts, until the first publication; that grants what it publishes",
        tuple(f"grant usage on schema {database}.{s} to role {analyst}" for s in PUBLIC),
    )
    if settings.edition == "enterprise":
        yield from _governance(settings)
    user = name(settings.user or "DICOM_PIPELINE")
    yield (
        "the pipeline's user; put the public half of its key pair in",
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
        "tags tell what de-identification did; free text is for a role of its own",
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
    """The statements as one script, for Snowsight or ``snow sql``."""
    groups = [
        "\n".join([f"-- {title}", *(f"{statement};" for statement in statements)])
        for title, statements in setup_statements(settings)
    ]
    return "\n\n".join(groups) + "\n"
