"""Attributes of long headers, by level.

Belongs here: values of patients, studies, equipment and modalities, and nested sequences.
Does not belong here: series, and differences between their images (series).
"""

from __future__ import annotations

import random
from typing import Any

from pydicom.dataset import Dataset


def of_patient(chance: random.Random) -> dict[str, Any]:
    """Return the attributes that all images of a patient share."""
    return {
        "IssuerOfPatientID": "BENCH", "OtherPatientIDs": [f"X{chance.randrange(10**5)}"],
        "PatientAge": f"{chance.randrange(18, 88):03d}Y",
        "PatientSize": f"{chance.uniform(1.5, 2):.2f}",
        "PatientWeight": f"{chance.uniform(45, 120):.1f}", "EthnicGroup": "",
        "AdditionalPatientHistory": chance.choice(("", "cough for two weeks, r/o pneumonia")),
        "PatientComments": "", "PregnancyStatus": 4, "MedicalAlerts": "", "Allergies": "",
        "Occupation": "", "SmokingStatus": "UNKNOWN", "PatientState": "", "SpecialNeeds": "",
    }  # fmt: skip


def of_study(study: random.Random, chance: random.Random) -> dict[str, Any]:
    """Return the attributes that all images of a study share."""
    return {
        "InstitutionAddress": "1 Benchmark Road, Testville",
        "InstitutionalDepartmentName": "Radiology", "StationName": f"ST{study.randrange(90)}",
        "PhysiciansOfRecord": "Doctor^Some", "NameOfPhysiciansReadingStudy": "Reader^Rita",
        "OperatorsName": "TECH", "PerformingPhysicianName": "", "RequestingPhysician": "Asker^Ida",
        "RequestingService": "EMERG", "RequestedProcedureDescription": "CT THORAX",
        "AdmittingDiagnosesDescription": "", "RetrieveAETitle": "ARCHIVE",
        "InstanceAvailability": "ONLINE", "StudyComments": "", "CurrentPatientLocation": "WARD 3",
        "PerformedProcedureStepStartDate": "20150102",
        "PerformedProcedureStepStartTime": "101112.340000",
        "PerformedProcedureStepEndDate": "20150102", "PerformedProcedureStepEndTime": "103000",
        "PerformedProcedureStepID": f"PPS{study.randrange(10**5)}",
        "PerformedProcedureStepDescription": "Chest^Routine (Adult)",
        "ScheduledProcedureStepDescription": "", "RequestedProcedureID": "RP1",
        "InstanceCreationDate": "20150102", "TimezoneOffsetFromUTC": "+0100",
        "InstanceCreatorUID": "2.25.71", "LossyImageCompression": "00",
        "BurnedInAnnotation": "NO", "PositionReferenceIndicator": chance.choice(("", "SN", "XY")),
    }  # fmt: skip


def of_equipment(chance: random.Random) -> dict[str, Any]:
    """Return attributes of acquisition, window and workflow for any modality."""
    return {
        "DeviceSerialNumber": str(chance.randrange(10**5)), "SoftwareVersions": ["syngo", "VA44A"],
        "ProtocolName": "Routine Adult", "BodyPartExamined": chance.choice(("CHEST", "HEAD")),
        "PatientPosition": chance.choice(("HFS", "FFS")), "DateOfLastCalibration": "20150101",
        "TimeOfLastCalibration": "063000", "SpatialResolution": "0.5", "Laterality": "",
        "AcquisitionNumber": "3", "ImagesInAcquisition": "120", "ImageComments": "",
        "RescaleIntercept": "-1024", "RescaleSlope": "1", "RescaleType": "HU",
        "WindowCenterWidthExplanation": ["WINDOW1", "WINDOW2"], "SmallestPixelValueInSeries": 0,
        "LargestPixelValueInSeries": 4095, "PixelPaddingValue": 0, "TableHeight": "151.3",
        "TemporalPositionIdentifier": "1", "NumberOfTemporalPositions": "1",
        "PixelIntensityRelationship": "LIN", "PresentationLUTShape": "IDENTITY",
        "SpacingBetweenSlices": "3.3", "ReconstructionDiameter": "350", "AcquisitionDuration": 12.5,
        "AcquisitionMatrix": [0, 320, 224, 0], "PixelAspectRatio": ["1", "1"],
        "StackID": "1", "InStackPositionNumber": 1, "TemporalPositionIndex": 1,
        "ContentQualification": "PRODUCT", "ImagePresentationComments": "",
        "CommentsOnThePerformedProcedureStep": "", "StudyPriorityID": "LOW",
        "StudyStatusID": "COMPLETED", "ReasonForStudy": "", "ConfidentialityCode": "",
        "ReasonForTheRequestedProcedure": "", "PlacerOrderNumberImagingServiceRequest": "4711",
        "FillerOrderNumberImagingServiceRequest": "4712", "SeriesType": ["STATIC", "IMAGE"],
        "QualityControlImage": "NO", "DerivationDescription": "", "NumberOfFrames": "1",
    }  # fmt: skip


def of_modality(modality: str, chance: random.Random) -> dict[str, Any]:
    """Return the attributes specific to a modality."""
    if modality == "MR":
        return {
            "ScanningSequence": ["SE", "IR"], "SequenceVariant": ["SK", "SP", "MP"],
            "ScanOptions": ["PFP", "SFS"], "MRAcquisitionType": "3D", "SequenceName": "*tfl3d1_16",
            "AngioFlag": "N", "RepetitionTime": f"{chance.uniform(4, 4000):.4g}",
            "EchoTime": f"{chance.uniform(2, 120):.3g}", "InversionTime": "900",
            "NumberOfAverages": "1", "ImagingFrequency": "123.258763", "ImagedNucleus": "1H",
            "EchoNumbers": "1", "MagneticFieldStrength": "3", "NumberOfPhaseEncodingSteps": "239",
            "EchoTrainLength": "1", "PercentSampling": "100", "PercentPhaseFieldOfView": "93.75",
            "PixelBandwidth": "240", "TransmitCoilName": "Body", "ReceiveCoilName": "Head_32",
            "InPlanePhaseEncodingDirection": "ROW", "FlipAngle": "9", "VariableFlipAngleFlag": "N",
            "SAR": "0.0357911", "dBdt": "0", "HeartRate": "0", "TriggerTime": "0",
            "BeatRejectionFlag": "N", "CardiacNumberOfImages": "1", "NominalInterval": "0",
        }  # fmt: skip
    if modality == "CT":
        return {
            "KVP": "120", "DataCollectionDiameter": "500", "DistanceSourceToDetector": "1085.6",
            "DistanceSourceToPatient": "595", "GantryDetectorTilt": "0", "RotationDirection": "CW",
            "ExposureTime": "500", "FilterType": "WEDGE_3", "GeneratorPower": "32",
            "FocalSpots": "1.2", "ConvolutionKernel": "B30f", "SingleCollimationWidth": 0.6,
            "TotalCollimationWidth": 38.4, "TableSpeed": 76.8, "TableFeedPerRotation": 38.4,
            "SpiralPitchFactor": 1.0, "ExposureModulationType": "XYZ_EC", "CTDIvol": 7.1,
            "EstimatedDoseSaving": 0.0, "ScanOptions": "HELICAL MODE", "RevolutionTime": 0.5,
            "ContrastBolusAgent": chance.choice(("", "CONTRAST")), "ContrastBolusVolume": "80",
            "ContrastFlowRate": "3", "DataCollectionCenterPatient": [0.0, -151.3, 22.4],
        }  # fmt: skip
    if modality == "PT":
        return {
            "Units": "BQML", "CountsSource": "EMISSION", "CorrectedImage": ["DECY", "ATTN", "SCAT"],
            "DecayCorrection": "START", "ReconstructionMethod": "OSEM3D 3i24s",
            "DetectorLinesOfResponseUsed": "", "ScatterCorrectionMethod": "Model-based",
            "AxialAcceptance": "38", "AxialMash": ["5", "6"], "NumberOfSlices": 299,
            "RandomsCorrectionMethod": "DLYD", "AttenuationCorrectionMethod": "measured",
            "CollimatorType": "NONE", "ActualFrameDuration": "120000", "ConvolutionKernel": "XYZ4",
        }  # fmt: skip
    return {
        "TransducerData": "C5-1", "TransducerType": "CURVED LINEAR", "ProcessingFunction": "AbdGen",
        "MechanicalIndex": "1.2", "BoneThermalIndex": "0.4", "SoftTissueThermalIndex": "0.3",
        "DepthOfScanField": "150", "FrameTime": "33.3", "CineRate": "30",
        "RecommendedDisplayFrameRate": "30",
        "HeartRate": "71", "LossyImageCompressionRatio": "1", "EffectiveDuration": "1.5",
        "PositionerPrimaryAngle": "0.1", "PositionerSecondaryAngle": "-12.4", "KVP": "81",
        "ExposureTime": "7", "RadiationSetting": "GR", "RadiationMode": "PULSED",
        "IntensifierSize": "320", "FocalSpots": "0.4", "ImagerPixelSpacing": ["0.308", "0.308"],
        "GridAbsorbingMaterial": "Lead", "DistanceSourceToDetector": "1034",
        "TableMotion": "STATIC",
    }  # fmt: skip


def add_sequences(made: Dataset, study: random.Random, chance: random.Random) -> None:
    """Add sequences, some of undefined length."""
    request = _item(
        ScheduledProcedureStepDescription="CHEST ROUTINE", ScheduledProcedureStepID="SPS1",
        RequestedProcedureID="RP1", RequestedProcedureDescription="CT THORAX",
        ScheduledProtocolCodeSequence=[_code("CTTHOR", "CT Thorax")],
    )  # fmt: skip
    made.RequestAttributesSequence = [request]
    made.ProcedureCodeSequence = [_code("CTTHOR", "CT Thorax")]
    uid = str(made.StudyInstanceUID)
    made.ReferencedStudySequence = [_reference("1.2.840.10008.3.1.2.3.1", f"{uid}.90")]
    made.ReferencedPerformedProcedureStepSequence = [
        _reference("1.2.840.10008.3.1.2.3.3", f"{uid}.91")
    ]
    made.ReferencedImageSequence = [
        _reference(made.SOPClassUID, f"{uid}.92.{n}") for n in range(1, chance.randint(2, 4))
    ]
    made.SourceImageSequence = [_reference(made.SOPClassUID, f"{uid}.93.1")]
    made.PerformedProtocolCodeSequence = [_code("P1", "Routine")]
    made.PatientOrientationCodeSequence = [_item(**_code_values("F-10450", "recumbent"),
        PatientOrientationModifierCodeSequence=[_code("F-10340", "supine")])]  # fmt: skip
    made.IconImageSequence = [_item(
        SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", Rows=2, Columns=2,
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0, PixelData=bytes(4),
    )]  # fmt: skip
    made.IconImageSequence[0]["PixelData"].VR = "OB"
    for element in made:  # some manufacturers write undefined lengths, others do not
        if element.VR == "SQ" and study.random() < 0.4:
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _code_values(value: str, meaning: str) -> dict[str, str]:
    return {"CodeValue": value, "CodingSchemeDesignator": "99BENCH", "CodeMeaning": meaning}


def _code(value: str, meaning: str) -> Dataset:
    return _item(**_code_values(value, meaning))


def _reference(sop_class: str, instance: str) -> Dataset:
    return _item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=instance)
