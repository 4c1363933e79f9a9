"""Output and exit codes of the commands."""

from __future__ import annotations

import os
import stat

import pytest

from tests.operations.test_alert_webhook import Hook, hook

from .conftest import Site, files_read, summary

__all__ = ["hook"]


@pytest.mark.parametrize("command", ["run", "scan", "status", "purge", "pseudonym", "rotate-key"])
def test_help_describes_exit_codes_and_the_debug_option(site: Site, command: str) -> None:
    output = site.command(command, "--help")
    assert "Exit code" in output
    assert "--debug" in output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DICOM_PARTITION_BY", "week"),
        ("DICOM_WORKERS", "zero"),
        ("DICOM_MAX_DELETED_FRACTION", "20%"),
        ("DICOM_NO_SUCH_SETTING", "1"),
        ("DBT_TARGET", "oracle"),
        ("DICOM_[red]_[/x]", "1"),  # text that looks like markup is shown unchanged
    ],
)
def test_an_invalid_setting_gives_a_one_line_error_with_its_name(
    site: Site, name: str, value: str
) -> None:
    output = site.command("scan", code=2, **{name: value})
    assert len(output.strip().splitlines()) == 1
    assert name in output
    assert not (site.root / "raw").exists()


def test_a_missing_landing_zone_is_reported_by_its_setting(site: Site) -> None:
    site.landing.rmdir()
    assert "DICOM_LANDING_URI" in site.command("scan", code=3)


def test_status_counts_files_and_names_the_next_step(site: Site) -> None:
    site.put("CT_small.dcm", "README.txt")
    site.command("scan")
    before = site.command("status", code=1)
    assert summary(before)["pending"] == 2
    assert "dicom-pipeline run" in before
    assert "error" not in before
    assert files_read(site.run()) == 2

    after = site.command("status")
    assert summary(after) | {"": 0} == {
        "found": 2, "loaded": 1, "duplicate": 0, "rejected": 1, "not_dicom": 1, "ignored": 0,
        "pending": 0, "": 0,
    }  # fmt: skip
    assert "nothing to do" in after

    # a missing landing zone and deleted files are reported
    assert "nothing to do" not in site.command("status", code=3, DICOM_LANDING_URI="/no/such/place")
    (site.landing / "README.txt").rename(site.root / "README.txt")
    gone = site.command("status", code=1)
    assert "the next run removes their rows" in gone
    (site.root / "README.txt").rename(site.landing / "README.txt")

    # another profile, and a failed run
    strict = site.command("status", code=1, DICOM_DEID_PROFILE="strict")
    assert "stale: published: with profile research, not strict" in strict
    site.command("run", "--force", code=1, DBT_DATABASE_NAME="/proc/nobody_writes_here.duckdb")
    failed = site.command("status", code=1)
    assert "failed: materialize_all_assets_job in published/database" in failed
    assert "next: " in failed

    # a forced run reads them again, and nothing changes
    content = site.content()
    assert files_read(site.command("run", "--force")) == 2
    assert site.content() == content
    assert "nothing to do" in site.command("status")

    # only the owner can access the private zones
    for zone in ("raw", "warehouse"):
        assert stat.S_IMODE((site.root / zone).stat().st_mode) == 0o700
        for folder, _, names in os.walk(site.root / zone):
            for name in names:
                mode = os.stat(os.path.join(folder, name)).st_mode
                assert stat.S_IMODE(mode) & 0o077 == 0, name

    # a missing key is not replaced, and the error names the command
    (site.root / "warehouse" / "pseudonym.key").unlink()
    refused = site.command("run", code=2)
    assert "rotate-key" in refused
    assert len(refused.strip().splitlines()) == 1
    assert not (site.root / "warehouse" / "pseudonym.key").exists()
    assert site.content() == content


def test_the_sample_is_never_written_to_a_configured_landing_zone(site: Site) -> None:
    output = site.command("run", "--sample")
    assert summary(output)["found"] == 0
    assert not any(site.landing.iterdir())
    assert site.ask("select count(*) from processed.processed_images") == [(0,)]


def test_a_run_that_fails_before_its_first_step_alerts_once_and_its_next_success_once(
    site: Site, hook: Hook
) -> None:
    site.environment["DICOM_ALERT_WEBHOOK"] = hook.address
    assert "alerts: only by `dicom-pipeline run`" in site.command("status")
    site.landing.rmdir()
    for _ in range(2):
        site.command("run", code=3)
    [(_, body)] = hook.got
    assert "DICOM_LANDING_URI" in str(body["text"])
    assert str(site.root) not in str(body["text"])

    hook.answers = [404]  # the message that is refused is sent by the next run
    site.landing.mkdir()
    assert "did not accept the alert" in site.run()
    assert "nothing has changed" in site.run()
    assert len(hook.got) == 3
    assert str(hook.got[-1][1]["text"]).startswith("dicom_pipeline: resolved: `dicom-pipeline run`")
    site.run()
    assert len(hook.got) == 3
