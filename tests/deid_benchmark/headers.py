"""Attributes other than texts for headers of five modalities.

Belongs here: plausible attributes of patients, studies and images, and manufacturers of scanners.
Does not belong here: identifiers in free text.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .texts import tokens

if TYPE_CHECKING:
    from .archive import Patient, Study

MODALITIES = ("CT", "MR", "DX", "US", "PT")
SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1", "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
}  # fmt: skip
BODY_PARTS = {
    "CT": ("CHEST", "ABDOMEN", "HEAD", "PELVIS"), "MR": ("BRAIN", "KNEE", "LSPINE", "PROSTATE"),
    "DX": ("CHEST", "HAND", "FOOT", "KNEE"), "US": ("ABDOMEN", "THYROID", "KIDNEY"),
    "PT": ("WHOLEBODY", "HEAD"),
}  # fmt: skip
MODELS = {
    "CT": (("SIEMENS", "SOMATOM Definition AS+"), ("GE MEDICAL SYSTEMS", "LightSpeed VCT"),
           ("Philips", "Brilliance 64"), ("TOSHIBA", "Aquilion ONE"),
           ("Canon Medical Systems", "Aquilion Prime"), ("GE MEDICAL SYSTEMS", "Revolution CT")),
    "MR": (("SIEMENS", "Skyra"), ("GE MEDICAL SYSTEMS", "Discovery MR750w"),
           ("Philips Medical Systems", "Ingenia"), ("SIEMENS", "Avanto"),
           ("TOSHIBA", "Titan"), ("Philips Healthcare", "Achieva")),
    "DX": (("GE Healthcare", "Definium 8000"), ("Philips Medical Systems", "DigitalDiagnost"),
           ("Canon Inc.", "CXDI"), ("SIEMENS", "Ysio")),
    "US": (("GE Healthcare", "LOGIQ E9"), ("Philips Medical Systems", "EPIQ 7G"),
           ("SIEMENS", "ACUSON S2000"), ("TOSHIBA", "Aplio 500")),
    "PT": (("SIEMENS", "Biograph 64"), ("GE MEDICAL SYSTEMS", "Discovery STE"),
           ("Philips Medical Systems", "GEMINI TF")),
}  # fmt: skip
ETHNIC = ("White", "Black", "Asian", "Hispanic", "Other", "Unknown")


def patient_header(patient: Patient, chance: random.Random) -> dict[str, Any]:
    """Return the attributes of a patient, which are the same in all files."""
    header: dict[str, Any] = {
        "PatientName": patient.who.dicom,
        "PatientID": patient.id,
        "IssuerOfPatientID": patient.issuer,
        "PatientBirthDate": f"{patient.birth:%Y%m%d}",
        "PatientSex": chance.choice("FM"),
        "OtherPatientIDs": patient.other_id or None,
        "PatientAddress": patient.address or None,
        "PatientTelephoneNumbers": patient.phone or None,
    }
    for kind, attribute in (
        ("mother", "PatientMotherBirthName"),
        ("birthname", "PatientBirthName"),
    ):
        if kind in patient.relatives:
            header[attribute] = patient.relatives[kind].dicom
    for attribute, share, values in (
        ("EthnicGroup", 0.4, ETHNIC), ("SmokingStatus", 0.2, ("YES", "NO", "UNKNOWN")),
        ("PatientBirthTime", 0.1, ("053200", "174500")),
        ("CountryOfResidence", 0.1, ("Freedonia", "Ruritania")),
        ("RegionOfResidence", 0.1, ("Zenda Valley", "Strelsau")),
        ("MilitaryRank", 0.05, ("Sergeant Major", "Corporal")),
        ("BranchOfService", 0.05, ("Coast Guard", "Air Force")),
        ("PatientReligiousPreference", 0.1, ("Pastafarian", "Quaker")),
    ):  # fmt: skip
        value = chance.choice(values)
        if chance.random() < share and not set(tokens(value)) & patient.own_names:
            header[attribute] = value
    return header


def study_header(patient: Patient, study: Study, chance: random.Random) -> dict[str, Any]:
    """Return the attributes of a study and its device, which are the same in all its files."""
    site, people = study.device.institution, study.people
    days = (study.when - patient.birth).days
    day, clock = f"{study.when:%Y%m%d}", f"{study.clock:%H%M%S}"
    header: dict[str, Any] = {
        "StudyDate": day,
        "StudyTime": clock,
        "StudyInstanceUID": study.uid,
        "StudyID": str(chance.randint(20_000, 999_999)),
        "AccessionNumber": study.accession,
        "Modality": study.modality,
        "PatientAge": f"{days // 365:03d}Y",
        "PatientSize": f"{chance.uniform(1.5, 1.95):.2f}",
        "PatientWeight": str(chance.randint(45, 120)),
        "ReferringPhysicianName": people["ref"].dicom,
        "NameOfPhysiciansReadingStudy": people["read"].dicom,
        "PerformingPhysicianName": people["perf"].dicom,
        "OperatorsName": people["op"].dicom,
        "RequestingPhysician": people["req"].dicom,
        "PhysiciansOfRecord": people["record"].dicom,
        "Manufacturer": study.device.manufacturer,
        "ManufacturerModelName": study.device.model,
        "DeviceSerialNumber": study.device.serial,
        "StationName": study.device.station,
        "SoftwareVersions": study.device.software,
        "InstitutionName": site.name,
        "InstitutionAddress": site.address,
        "InstitutionalDepartmentName": site.department,
        "SeriesDate": day,
        "SeriesTime": clock,
        "PerformedProcedureStepStartDate": day,
        "PerformedProcedureStepStartTime": clock,
        "PerformedProcedureStepID": f"PPS{chance.randint(10_000, 99_999)}",
    }
    if chance.random() < 0.4:
        header["ScheduledStudyStartDate"] = f"{study.when - timedelta(days=3):%Y%m%d}"
        header["ScheduledStudyStartTime"] = "080000"
    if chance.random() < 0.05:
        header["LastMenstrualDate"] = f"{study.when - timedelta(days=12):%Y%m%d}"
    if chance.random() < 0.1:
        header["MedicalRecordLocator"] = f"MRL{chance.randint(100_000, 999_999)}"
    return header


def image_header(study: Study, series: int, number: int, chance: random.Random) -> dict[str, Any]:
    """Return the attributes of an image."""
    day, clock = f"{study.when:%Y%m%d}", f"{study.clock:%H%M%S}"
    later = study.when + timedelta(days=1 if chance.random() < 0.1 else 0)
    color = study.modality == "US"
    header: dict[str, Any] = {
        "SOPClassUID": SOP_CLASSES[study.modality],
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL" if study.modality == "CT" else "OTHER"],
        "InstanceCreatorUID": f"1.3.6.1.4.1.99999.7.{len(study.device.serial)}.{series}",
        "InstanceCreationDate": f"{later:%Y%m%d}",
        "InstanceCreationTime": clock,
        "AcquisitionDate": day,
        "AcquisitionTime": clock,
        "ContentDate": day,
        "ContentTime": clock,
        "InstanceNumber": number + 1,
        "AcquisitionNumber": series,
        "SamplesPerPixel": 3 if color else 1,
        "PhotometricInterpretation": "RGB" if color else "MONOCHROME2",
        "Rows": 512,
        "Columns": 512,
        "BitsAllocated": 8 if color else 16,
        "BurnedInAnnotation": "NO",
    }
    if study.modality in ("CT", "MR", "PT"):
        header |= {
            "PixelSpacing": ["0.7", "0.7"],
            "SliceThickness": chance.choice(("1.25", "3", "5")),
            "SliceLocation": f"{chance.uniform(-200, 200):.1f}",
            "ImagePositionPatient": ["-180", "-180", f"{chance.uniform(-200, 200):.1f}"],
            "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
            "PatientPosition": chance.choice(("HFS", "FFS")),
            "WindowCenter": ["40"],
            "WindowWidth": ["400"],
        }
    if study.modality == "CT":
        header |= {"ReconstructionDiameter": "360", "ScanOptions": "HELIX"}
    elif study.modality == "MR":
        header |= {
            "MagneticFieldStrength": chance.choice(("1.5", "3")),
            "RepetitionTime": "4000", "EchoTime": "90", "FlipAngle": "150",
            "MRAcquisitionType": "2D", "ScanningSequence": "SE",
        }  # fmt: skip
    elif study.modality == "DX":
        header["Laterality"] = chance.choice("LR")
    elif study.modality == "US":
        header["HeartRate"] = str(chance.randint(50, 110))
    return header
