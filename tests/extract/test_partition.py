"""Partitions are updated to match their manifests; files that are already loaded are not read."""

import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicom_pipeline.common import private_files
from dicom_pipeline.config.settings import Granularity
from dicom_pipeline.extract import partition, pool, raw_step
from dicom_pipeline.extract.tables import IDENTITY_TERMS, RAW_TABLES, REJECTED
from tests.support.dicom import dataset, encoded, instance
from tests.support.zone import Zone

PERIOD = "2012-03"


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path)


def fill(zone: Zone) -> None:
    """Three studies in two partitions, a duplicate, a conflict and rejects."""
    zone.put("a/1", instance(1))
    zone.put("a/2", instance(2, InstanceNumber="2"))
    zone.put("a/2 again", instance(2, "implicit", InstanceNumber="2"))
    zone.put("a/2 other", instance(2, InstanceNumber="3"))
    zone.put("b/3", instance(3, StudyInstanceUID="1.2.3.101", PatientID="0815"))
    zone.put("c/4", instance(4, StudyDate="20130506", StudyInstanceUID="1.2.3.102"))
    zone.put("c/text", b"not DICOM")
    zone.put("c/short", instance(5)[:-10])


def test_the_same_header_in_another_transfer_syntax_is_a_duplicate(zone: Zone) -> None:
    for n, syntax in enumerate(["explicit", "implicit", "big endian", "deflated"]):
        item = Dataset()
        item.ReferencedSOPInstanceUID = "1.2.3.4"
        item.add_new(0x00091001, "UN", b"private")
        made = dataset(ReferencedImageSequence=Sequence([item]), SmallestImagePixelValue=7)
        made.PixelRepresentation = 0
        zone.put(str(n), encoded(made, syntax))
    zone.load()
    images = zone.images()
    assert [images[str(n)]["file_outcome"] for n in range(4)] == ["loaded", *["duplicate"] * 3]
    assert len({row["transfer_syntax_uid"] for row in images.values()}) == 4
    assert [row["file_count"] for row in zone.rows("studies")] == [1]
    assert zone.reconcile().balanced


def test_a_second_header_with_the_same_sop_instance_uid_is_loaded_too(zone: Zone) -> None:
    zone.put("1", instance(1, InstanceNumber="1"))
    zone.put("2", instance(1, InstanceNumber="2"))
    zone.put("3", instance(1, InstanceNumber="1", PatientID="other"))
    zone.load()
    assert {row["file_outcome"] for row in zone.images().values()} == {"loaded"}
    assert len({row["header_digest"] for row in zone.images().values()}) == 3


def test_an_entity_with_conflicting_values_has_a_row_for_each_version(zone: Zone) -> None:
    zone.put("1", instance(1))
    zone.put("2", instance(2, PatientID="0815"))  # one study, two patients
    zone.put("3", instance(3, StudyInstanceUID="1.2.3.101"))  # one series, two studies
    zone.put("4", instance(4, SeriesDescription="another", PatientSex="F"))
    zone.put("5", instance(5, PatientID=None))
    zone.load()
    counts = {table: len(zone.rows(table)) for table in ("patients", "studies", "series")}
    assert counts == {"patients": 5, "studies": 4, "series": 5}
    assert sum(row["file_count"] for row in zone.rows("patients")) == 5
    patients = {(row["key_patient_id"], row["key_study"]) for row in zone.rows("patients")}
    assert patients == {
        ("4711", "1.2.3.100"), ("0815", "1.2.3.100"), ("4711", "1.2.3.101"), (None, "1.2.3.100"),
    }  # fmt: skip
    for row in zone.rows("images"):  # every image has its rows in the other tables
        for table in ("patients", "studies", "series", "devices", IDENTITY_TERMS):
            digests = [other["row_digest"] for other in zone.rows(table)]
            assert digests.count(row[f"{table}_row"]) == 1


def test_a_file_without_study_and_series_uids_is_its_own_study_and_series_if_allowed(
    zone: Zone,
) -> None:
    zone.put("1", instance(1, StudyInstanceUID=None, SeriesInstanceUID=None, PatientID=None))
    zone.load()
    assert zone.rejects() == {"1": "no_study_instance_uid"}
    zone.allow_missing_uids = True
    assert zone.load() == 1  # the setting is part of the version of a partition
    assert zone.rejects() == {}
    (row,) = zone.rows("images")
    assert (row["key_study"], row["key_series"], row["key_patient_id"]) == ("1.2.3.1",) * 2 + (
        None,
    )


def test_only_what_changed_is_read(zone: Zone) -> None:
    fill(zone)
    assert zone.load() == 8
    before = zone.bytes()
    assert zone.load() == 0
    assert zone.bytes() == before
    zone.put("a/new", instance(9))
    assert zone.load() == 1
    path = zone.put("a/1", instance(1, InstanceNumber="7"))
    os.utime(path, ns=(0, 1))
    assert zone.load() == 1
    assert zone.images()["a/1"]["instance_number"] == "7"
    (zone.landing / "b/3").unlink()
    assert zone.load() == 0
    assert "b/3" not in zone.images()
    assert {row["key_patient_id"] for row in zone.rows("patients")} == {"4711"}
    assert sum(report.read for report in zone.refresh(force=True)) == 8
    assert zone.reconcile().balanced


def test_rows_that_are_carried_over_equal_those_of_a_first_load(zone: Zone, tmp_path: Path) -> None:
    fill(zone)
    zone.load()
    zone.put("a/1", instance(1, InstanceNumber="7"))
    os.utime(zone.landing / "a/1", ns=(0, 1))
    (zone.landing / "a/2").unlink()
    zone.put("d", instance(8))
    zone.load()
    fresh = Zone(tmp_path / "fresh")
    shutil.copytree(zone.landing, fresh.landing, dirs_exist_ok=True)
    fresh.load()
    assert zone.content() == fresh.content()
    assert zone.bytes() == fresh.bytes()


@pytest.mark.parametrize("granularity", [Granularity.YEAR, Granularity.DAY])
def test_a_change_of_granularity_reads_no_file_and_gives_the_rows_of_a_first_load(
    zone: Zone, tmp_path: Path, granularity: Granularity
) -> None:
    fill(zone)
    zone.put("not dicom", b"text" * 100)
    zone.load()
    assert zone.load(granularity=granularity) == 0
    fresh = Zone(tmp_path / "fresh")
    shutil.copytree(zone.landing, fresh.landing, dirs_exist_ok=True)
    fresh.load(granularity=granularity)
    assert zone.content() == fresh.content()
    assert zone.reconcile().balanced
    assert zone.load(granularity=Granularity.MONTH) == 0


def test_the_second_of_two_equal_files_is_loaded_when_the_first_is_deleted(zone: Zone) -> None:
    zone.put("1", instance(1))
    zone.put("2", instance(1))
    zone.load()
    assert [row["file_outcome"] for row in zone.rows("images")] == ["loaded", "duplicate"]
    (zone.landing / "1").unlink()
    assert zone.load() == 0
    assert [(r["file_path"], r["file_outcome"]) for r in zone.rows("images")] == [("2", "loaded")]
    assert len(zone.rows("studies")) == 1


def test_tables_are_identical_bytes_for_any_number_of_workers_and_any_order(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(zone)
    zone.load()
    before = zone.bytes()
    real = raw_step.read_headers
    monkeypatch.setattr(
        raw_step,
        "read_headers",
        lambda files, *a, **k: list(real(list(files)[::-1], *a, **k))[::-1],
    )
    zone.refresh(force=True, workers=3)
    assert zone.bytes() == before


def test_a_partition_without_files_is_removed_and_can_be_restored(zone: Zone) -> None:
    fill(zone)
    zone.load()
    before = zone.content()
    shutil.move(zone.landing / "c/4", zone.landing.parent / "aside")
    zone.load()
    assert zone.raw.periods() == zone.manifests.periods() == ["2012-03", "undated"]
    shutil.move(zone.landing.parent / "aside", zone.landing / "c/4")
    assert zone.load() == 1
    assert zone.content() == before


@pytest.mark.parametrize("written", [0, 3, 6])
def test_a_write_killed_between_two_tables_is_completed_by_the_next_run(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    fill(zone)
    zone.load()
    zone.put("a/1", b"no longer DICOM")
    zone.put("c/short", instance(5, StudyDate="20120306"))
    (zone.landing / "b/3").unlink()
    zone.put("d", instance(8, SeriesDescription="new"))
    zone.scan()
    real, calls = private_files.write_atomic, []

    def write(path: Path, data: bytes) -> None:
        if path.name == "data.parquet":
            if len(calls) == written:
                raise KeyboardInterrupt
            calls.append(path)
        real(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(private_files, "write_atomic", write)
        with pytest.raises(KeyboardInterrupt):
            zone.refresh([PERIOD])
    assert zone.raw.version(PERIOD) != zone.step().partitions.wanted_version(PERIOD)
    zone.refresh()
    healed = zone.bytes()
    zone.refresh(force=True)
    assert zone.bytes() == healed
    assert zone.reconcile().balanced


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "footer only"])
@pytest.mark.parametrize("table", ["images", "studies", IDENTITY_TERMS, REJECTED])
def test_a_corrupt_or_missing_table_is_rebuilt(zone: Zone, table: str, damage: str) -> None:
    fill(zone)
    zone.load()
    before = zone.bytes()
    path = zone.raw.path(table, PERIOD)
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "footer only":
        footer = int.from_bytes(data[-8:-4], "little") + 8
        path.write_bytes(b"PAR1" + b"\xee" * (len(data) - footer - 4) + data[-footer:])
    else:
        path.write_bytes(b"" if damage == "empty" else data[: len(data) // 2])
    zone.refresh()
    assert zone.bytes() == before


def test_rows_of_an_older_extractor_are_read_again(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(zone)
    zone.load()
    periods = zone.manifests.periods()
    assert zone.step().partitions.read_by_other_version([*periods, "1999-01"]) == []
    monkeypatch.setattr(partition, "EXTRACTOR_VERSION", "next")
    monkeypatch.setattr(
        raw_step, "MAX_FILES_PER_WORKER_PARTITION", 0
    )  # worker processes do not see the patched version
    assert zone.step().partitions.read_by_other_version([*periods, "1999-01"]) == periods
    assert zone.load() == 8
    assert zone.step().partitions.read_by_other_version(periods) == []
    assert zone.load() == 0


def test_a_manifest_without_the_newer_columns_can_be_read(zone: Zone) -> None:
    fill(zone)
    zone.load()
    for path in (zone.raw_dir / "manifests").glob("*.parquet"):
        pq.write_table(pq.ParquetFile(path).read().drop_columns(["etag", "opened"]), path)
    report = zone.scan()
    assert (report.new, report.changed, report.deleted) == (0, 0, 0)
    assert zone.load() == 0


def add_line(zone: Zone, line: str) -> None:
    with zone.mapping_csv.open("a") as file:
        file.write(line + "\n")


def test_a_line_added_to_the_mapping_becomes_a_column_at_the_next_load(zone: Zone) -> None:
    fill(zone)
    zone.load()
    add_line(zone, "studies,study_date_again,StudyDate,DA,1,date,remove,remove,false,,")
    assert zone.load() == 8
    dates = {row["study_date_again"] for row in zone.rows("studies")}
    assert dates == {"20120304", "20130506"}
    assert zone.load() == 0


def test_a_change_of_deidentification_functions_in_the_mapping_reads_no_file(zone: Zone) -> None:
    zone.put("1", instance(1))
    zone.load()
    text = zone.mapping_csv.read_text()
    zone.mapping_csv.write_text(text.replace(",keep_code,", ",remove,"))
    assert zone.load() == 0


def test_attributes_in_sequence_items_are_columns_in_addition_to_the_json(zone: Zone) -> None:
    """Converting a sequence to JSON must not consume the bytes of the values in it."""
    path = "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing"
    add_line(zone, f"images,shared_spacing,{path},DS,2,double,keep_number,remove,false,,")
    second = path.replace("[0].PixelMeasures", "[1].PixelMeasures")
    add_line(zone, f"images,second_spacing,{second},DS,2,double,keep_number,remove,false,,")
    name = "SharedFunctionalGroupsSequence[0].PatientOrientationCodeSequence[0].CodeMeaning"
    add_line(zone, f"images,meaning,{name},LO,1,text,remove,remove,false,,")
    measures, code, group = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = ["0.50", "0.750"]
    code.SpecificCharacterSet = "ISO_IR 100"
    code.CodeMeaning = "Rücken"
    group.PixelMeasuresSequence = Sequence([measures])
    group.PatientOrientationCodeSequence = Sequence([code])
    for n, syntax in enumerate(["explicit", "implicit", "big endian"]):
        made = dataset(n, SharedFunctionalGroupsSequence=Sequence([group]))
        zone.put(str(n), encoded(made, syntax))
    zone.put("plain", instance(9))
    zone.load()
    for name in ("0", "1", "2"):
        row = zone.images()[name]
        assert row["shared_spacing"] == "0.50\\0.750"
        assert row["meaning"] == "Rücken"
        assert row["second_spacing"] is None
        assert "0.5" in row["shared_functional_groups_sequence"]
        assert row["unreadable_values"] == 0
    assert zone.images()["plain"]["shared_spacing"] is None


def test_finished_partitions_are_written_while_others_are_still_read(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "LARGEST_CHUNK", 1)
    monkeypatch.setattr(pool, "QUEUED_PER_WORKER", 1)
    for n in range(12):
        zone.put(str(n), instance(n, StudyDate=f"2012{n + 1:02}01"))
    zone.scan()
    progress: list[tuple[int, int]] = []
    step = zone.step()
    step.progress = lambda *now: progress.append(now)
    reports = step.refresh(zone.manifests.periods())
    assert next(reports).loaded == 1
    assert progress[-1][0] < 12
    assert [report.loaded for report in reports] == [1] * 11
    assert progress[-1] == (12, 12)
    assert progress == sorted(progress)
    assert zone.reconcile().balanced


def test_an_unchanged_partition_reports_its_counts_without_reading(zone: Zone) -> None:
    fill(zone)
    zone.scan()
    first = {report.period: report for report in zone.refresh()}
    again = {report.period: report for report in zone.refresh()}
    for period, report in again.items():
        assert (report.read, report.carried_over, report.bytes_written) == (0, 0, 0)
        for name in ("files", "loaded", "duplicate", "rejected", "ignored", "rows", "version"):
            assert getattr(report, name) == getattr(first[period], name)
    assert first["2012-03"].duplicate == 1
    assert first["2012-03"].rejected == {"truncated": 1}


class TestRetainedRows:
    """With `DICOM_ON_DELETE=keep` rows outlive their files."""

    @pytest.fixture
    def zone(self, tmp_path: Path) -> Zone:
        zone = Zone(tmp_path, keep=True)
        fill(zone)
        zone.load()
        for name in ("a", "b", "c"):
            shutil.rmtree(zone.landing / name)
        return zone

    def test_nothing_changes_when_the_landing_zone_is_emptied(self, zone: Zone) -> None:
        before = zone.bytes()
        assert zone.load() == 0
        assert zone.bytes() == before
        counts = zone.reconcile()
        assert (counts.balanced, counts.discovered, counts.missing) == (True, 0, 8)

    def test_rows_stay_when_the_columns_change(self, zone: Zone) -> None:
        before = {name: row["file_outcome"] for name, row in zone.images().items()}
        add_line(zone, "images,rows_again,Rows,US,1,integer,keep_number,remove,false,,")
        zone.put("new", instance(77))
        zone.load()
        after = zone.images()
        assert {n: row["file_outcome"] for n, row in after.items() if n != "new"} == before
        assert (after["new"]["rows_again"], after["a/1"]["rows_again"]) == ("2", None)
        assert len(zone.rows("studies")) == 3
        assert zone.load() == 0

    def test_rows_stay_when_a_read_of_all_files_is_forced(self, zone: Zone) -> None:
        before = zone.images()
        zone.refresh(force=True)
        assert zone.images() == before

    @pytest.mark.parametrize("granularity", [Granularity.YEAR, Granularity.DAY])
    def test_rows_stay_when_the_granularity_changes(
        self, zone: Zone, granularity: Granularity
    ) -> None:
        def without_partition(rows: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
            own = ("period", "raw_version")
            return {n: {k: v for k, v in r.items() if k not in own} for n, r in rows.items()}

        before = without_partition(zone.images())
        zone.load(granularity=granularity)
        assert without_partition(zone.images()) == before
        assert set(zone.raw.periods()) == set(zone.manifests.periods())

    def test_a_partition_with_the_only_copy_of_a_row_is_not_removed_yet(self, zone: Zone) -> None:
        before = set(zone.images())
        zone.scan(granularity=Granularity.YEAR)
        (report,) = zone.refresh(["2012-03"])
        assert not report.removed
        assert set(zone.images()) == before
        zone.refresh()
        assert set(zone.images()) == before
        assert "2012-03" not in zone.raw.periods()


def test_a_changed_file_that_cannot_be_read_keeps_its_old_rows_and_is_rejected(
    tmp_path: Path,
) -> None:
    zone = Zone(tmp_path, keep=True)
    path = zone.put("1", instance(1))
    zone.load()
    zone.put("1", instance(1, InstanceNumber="2"))
    os.utime(path, ns=(0, 1))
    zone.scan()
    path.rename(tmp_path / "aside")
    path.mkdir()  # a directory cannot be read as a file, not even by root
    zone.refresh()
    assert zone.images()["1"]["instance_number"] == "1"
    assert zone.rejects() == {"1": "unreadable"}


def test_a_file_that_could_not_be_read_at_extraction_is_read_as_soon_as_it_can_be(
    zone: Zone,
) -> None:
    path = zone.put("1", instance(1))
    zone.put("2", instance(2))
    zone.scan()
    path.rename(zone.landing.parent / "aside")
    zone.refresh()
    assert zone.rejects() == {"1": "unreadable"}
    (zone.landing.parent / "aside").rename(path)
    assert zone.load() == 1
    assert list(zone.images()) == ["1", "2"]
    assert zone.rejects() == {}
    assert zone.load() == 0
    assert zone.reconcile().balanced


def test_an_undated_file_that_could_not_be_read_is_read_as_soon_as_it_can_be(zone: Zone) -> None:
    """Neither the times of the file nor its partition change when it becomes readable."""
    path = zone.put("1", instance(1, StudyDate="***"))
    data = path.read_bytes()
    real = zone.storage.open

    def refuse(_: str) -> None:
        raise PermissionError

    zone.storage.open = refuse  # type: ignore[method-assign, assignment]
    zone.scan()
    zone.storage.open = real  # type: ignore[method-assign]
    zone.put(".hidden", data)  # an empty directory would be treated as not mounted
    path.rename(zone.landing.parent / "aside")
    zone.refresh()
    (zone.landing.parent / "aside").rename(path)
    assert path.read_bytes() == data
    zone.load()
    assert list(zone.images()) == ["1"]


def test_a_table_without_rows_has_all_columns(zone: Zone) -> None:
    zone.refresh([])
    for table in RAW_TABLES:
        schema = pq.read_schema(zone.raw.path(table, "__none__"))
        assert "raw_version" in schema.names
    assert zone.raw.periods() == []


def test_the_raw_zone_is_not_accessible_to_other_users(zone: Zone) -> None:
    fill(zone)
    zone.load()
    assert zone.raw_dir.stat().st_mode & 0o777 == 0o700
    for path in zone.raw_dir.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert not list(zone.raw_dir.rglob("*.tmp"))
