"""The sample is written only to an empty landing zone."""

from pathlib import Path

from dicom_pipeline.landing.sample import put_sample
from tests.support.dicom import wheel_files


def test_the_sample_has_the_dicom_files_of_the_pydicom_wheel(tmp_path: Path) -> None:
    assert put_sample(tmp_path / "new") == len(wheel_files())
    copied = {p.read_bytes() for p in (tmp_path / "new").rglob("*") if p.is_file()}
    assert copied == {path.read_bytes() for path in wheel_files()}
    assert put_sample(tmp_path / "new") == 0


def test_a_landing_zone_that_is_not_empty_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / ".hidden").touch()
    assert put_sample(tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == [".hidden"]
