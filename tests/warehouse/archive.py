"""Files that the tests load: an ordinary archive with irregularities of real archives."""

from datetime import date, datetime, time
from typing import Any

from .raw_zone import File


def file(study: str, series: str, number: int | str, **attributes: str) -> File:
    """Return file 1.2.840.<study>.<series>.<number>; an empty value removes an attribute."""
    attributes = {
        "PatientID": "MRN-4711",
        "PatientName": "Habermann^Gerlinde",
        "IssuerOfPatientID": "CLINIC",
        "PatientSex": "F",
        "StudyInstanceUID": f"1.2.840.{study}",
        "SeriesInstanceUID": f"1.2.840.{study}.{series}",
        "SOPInstanceUID": f"1.2.840.{study}.{series}.{number}",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "Modality": "CT",
        "Manufacturer": "ACME",
        "ManufacturerModelName": "One",
        "DeviceSerialNumber": "SN-0815",
        "StationName": "ROOM3",
        "InstitutionName": "Hospital of the Holy Ghost",
        "Rows": "512",
        "Columns": "256",
        "PixelSpacing": "0.5\\0.75",
        "ImagePositionPatient": "-10\\0.5\\1e2",
        "ImageType": "ORIGINAL\\PRIMARY\\AXIAL",
    } | attributes
    return {keyword: value for keyword, value in attributes.items() if value}


MARCH = {"StudyDate": "20120304", "StudyTime": "0930", "PatientAge": "089Y", "PatientWeight": "70"}
MAY = {"StudyDate": "2012.05.06", "StudyTime": "10:11:12.5", "PatientAge": "095Y", "Modality": "MR"}
LATER = {"InstanceCreationDate": "20120305", "InstanceCreationTime": "100000.7"}
EARLIER = {"InstanceCreationDate": "20120305", "InstanceCreationTime": "100000.5"}

# attribute, raw value, column in staged_images, expected value
VALUES: list[tuple[str, str, str, Any]] = [
    ("EchoTime", "***", "echo_time", None),
    ("EchoTime", "1.5.2", "echo_time", None),
    ("EchoTime", "nan", "echo_time", None),
    ("EchoTime", "1e999", "echo_time", None),
    ("EchoTime", "-1.5E-2", "echo_time", -0.015),
    ("InstanceNumber", "1.5", "instance_number", None),
    ("InstanceNumber", "+12.0", "instance_number", 12),
    ("InstanceNumber", "99999999999999999999", "instance_number", None),
    ("Laterality", "left hand of G. Habermann", "laterality", None),
    ("Laterality", "L", "laterality", "L"),
    ("Laterality", "Left", "laterality", "L"),
    ("PatientPosition", "hfs", "patient_position", "HFS"),
    ("PatientPosition", "Kowalski", "patient_position", None),
    ("ImageType", "Original\\Primary\\T2*", "image_type", ["ORIGINAL", "PRIMARY", "T2*"]),
    ("ImageType", "DERIVED\\Kowalski\\150000", "image_type", ["DERIVED", None, "150000"]),
    ("AcquisitionTime", "09", "acquisition_time", time(9)),
    ("AcquisitionTime", "0930", "acquisition_time", time(9, 30)),
    ("AcquisitionTime", "093015", "acquisition_time", time(9, 30, 15)),
    ("AcquisitionTime", "093015.25", "acquisition_time", time(9, 30, 15)),
    ("AcquisitionTime", "09:30:15.000001", "acquisition_time", time(9, 30, 15)),
    ("AcquisitionTime", "093015.123456789", "acquisition_time", time(9, 30, 15)),
    ("AcquisitionTime", "09:30:15.0000000", "acquisition_time", time(9, 30, 15)),
    ("AcquisitionTime", "093015.12a", "acquisition_time", None),
    ("AcquisitionTime", "240000", "acquisition_time", None),
    ("AcquisitionTime", "9:30", "acquisition_time", None),
    ("AcquisitionTime", "10 o'clock", "acquisition_time", None),
    ("AcquisitionDate", "20120304", "acquisition_date", date(2012, 3, 4)),
    ("AcquisitionDate", "1994.11.05", "acquisition_date", date(1994, 11, 5)),
    ("AcquisitionDate", "18800101", "acquisition_date", None),
    ("AcquisitionDate", "19010102", "acquisition_date", date(1901, 1, 2)),
    ("AcquisitionDate", "20120230", "acquisition_date", None),
    ("AcquisitionDate", "9999", "acquisition_date", None),
    ("AcquisitionDate", "99991231", "acquisition_date", None),
    ("AcquisitionDate", "19700101", "acquisition_date", None),
    ("AcquisitionDate", "***", "acquisition_date", None),
    ("WindowCenter", "40\\***\\60", "window_center", [40, None, 60]),
    ("WindowCenter", "40\\\\60", "window_center", [40, None, 60]),
    ("ScanOptions", "FAST", "scan_options", ["FAST"]),
    ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.4", "sop_class_uid", "1.2.840.10008.5.1.4.1.1.4"),
    ("SOPClassUID", "1.2.840.10008.4711", "sop_class_uid", None),
    # attributes of the lines that the test adds to the mapping
    ("AcquisitionDateTime", "20120304101112+0100", "taken", datetime(2012, 3, 4, 10, 11, 12)),
    ("AcquisitionDateTime", "20120304101112.654321", "taken", datetime(2012, 3, 4, 10, 11, 12)),
    ("AcquisitionDateTime", "20120304101112.123456789", "taken", datetime(2012, 3, 4, 10, 11, 12)),
    ("AcquisitionDateTime", "20120304", "taken", datetime(2012, 3, 4)),
    ("AcquisitionDateTime", "2012030410-0500", "taken", datetime(2012, 3, 4, 10)),
    ("AcquisitionDateTime", "201203", "taken", None),
    ("AcquisitionDateTime", "Monday", "taken", None),
    ("Context", "anything", "constant", "ANONYMIZED"),
]  # fmt: skip
AGES = [
    ("045Y", "045Y"), ("089Y", "089Y"), ("090Y", "090Y"), ("104Y", "090Y"), ("999M", "999M"),
    ("012D", "012D"), ("45Y", "045Y"), ("0Y", "000Y"), ("95Y", "090Y"), ("7M", "007M"),
    ("45", None), ("Y", None), ("0450Y", None), ("***", None),
]  # fmt: skip
BORN = {"PatientBirthDate": "19670419"}
# attributes, age in stage, whether the age counts as lost
AGES_FROM_DATES: list[tuple[dict[str, str], str | None, bool]] = [
    ({"PatientAge": "035Y"} | BORN, "035Y", False),
    ({} | BORN, "044Y", False),
    ({"PatientAge": "000Y"} | BORN, "044Y", False),
    ({"PatientAge": "0M"} | BORN, "044Y", False),
    ({"PatientAge": "999Y"} | BORN, "044Y", False),
    ({"PatientAge": "unknown"} | BORN, "044Y", False),
    ({"PatientBirthDate": "19220419"}, "089Y", False),
    ({"PatientBirthDate": "19220301"}, "090Y", False),
    ({"PatientBirthDate": "19190301"}, "090Y", False),
    ({"PatientBirthDate": "20100901"}, "018M", False),
    ({"PatientBirthDate": "20120301"}, "003D", False),
    ({"PatientBirthDate": "20120305"}, None, True),
    ({"PatientBirthDate": "20120305", "PatientAge": "044Y"}, "044Y", False),
    ({"PatientBirthDate": "20120305", "PatientAge": "000Y"}, "000Y", False),
    ({"PatientBirthDate": "1967"}, None, False),
    ({"PatientBirthDate": "19000101"}, None, False),
    ({"PatientBirthDate": "19670419", "AcquisitionDate": ""}, None, False),
    ({"PatientAge": "unknown"}, None, True),
]
ADDED_LINES = """\
images,taken,AcquisitionDateTime,DT,1,timestamp,shift_datetime,remove,false,,
images,constant,Context,LO,1,text,anon_text,anon_text,false,,
"""

PERIODS = {
    "2012-03": [
        file("1", "1", 1, **MARCH),
        file("1", "1", 2, **MARCH, SoftwareVersions="syngo 1\\syngo 2"),
        file(
            "1",
            "1",
            "implausible",
            **MARCH,
            AcquisitionDate="20100304",
            ContentDate="20120304",
            implausible_dates="acquisition_date",
        ),
        # two contents with one SOP Instance UID, here and in 2012-05; a true duplicate
        file("1", "1", "twice", **MARCH, **EARLIER, InstanceNumber="1"),
        file("1", "1", "twice", **MARCH, **LATER, InstanceNumber="2"),
        file("1", "1", "twice", **MARCH, **LATER, InstanceNumber="2", outcome="duplicate"),
        # the same PatientID with another issuer, or split differently, is another patient
        file("2", "1", 1, **MARCH, IssuerOfPatientID="OTHER"),
        file("3", "1", 1, **MARCH, PatientID="MRN-4711C", IssuerOfPatientID="LINIC"),
    ],
    "2012-05": [
        file("4", "1", 1, **MAY, SoftwareVersions="syngo 3"),
        file("4", "1", 2, **MAY, PatientSex="M", DeviceSerialNumber=""),
        # one series in two studies, one study with two patients
        file("4", "2", 1, **MAY),
        file("4", "2", 2, **MAY),
        file("5", "1", 1, **MAY | {"StudyTime": "11"}, SeriesInstanceUID="1.2.840.4.2"),
        file("4", "1", 3, **MAY, PatientID="MRN-1"),
    ],
    "undated": [
        file("6", "1", 1, PatientID="", IssuerOfPatientID="", StudyDate="***"),
        file("1", "1", "twice", **MARCH, InstanceNumber="3"),
    ],
    "1994": [
        *(file("7", "1", n, **{value[0]: value[1]}) for n, value in enumerate(VALUES)),
        *(file(f"8.{n}", "1", 1, PatientAge=age[0]) for n, age in enumerate(AGES)),
        *(
            file(f"9.{n}", "1", 1, **{"AcquisitionDate": "20120304"} | age[0])
            for n, age in enumerate(AGES_FROM_DATES)
        ),
        # a birth date in one of the files only; no study date, and a birthday between the series
        file("10", "1", 1, AcquisitionDate="20120304"),
        file("10", "1", 2, AcquisitionDate="20120304", **BORN),
        *(
            file("11", day, 1, SeriesDate=day, PatientBirthDate="20120218")
            for day in ("20120417", "20120418", "20120519")
        ),
    ],
}
