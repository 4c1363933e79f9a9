"""Texts of patients, and the texts that cleaning must return.

Belongs here: the table, which tests of the Python module and of the built tables share.
Does not belong here: texts of sequences (tests.warehouse.sequence_files).
"""

from __future__ import annotations

DOE = {
    "PatientName": "Doe^John^Allan",
    "PatientID": "MRN-4711",
    "AccessionNumber": "AB 12 34",
    "PatientBirthDate": "19460731",
    "StudyDate": "20120304",
    "ReferringPhysicianName": "Brainard^Vera",
    "InstitutionName": "Hospital of the Holy Ghost",
    "PatientTelephoneNumbers": "+49 40 123456",
}
LI = {"PatientName": "Li^Na=李^娜", "PatientID": "000123"}
HAND = {"PatientName": "Hand^Page", "PatientID": "philips"}
OBRIEN = {"PatientName": "O'Brien-García^Zoë", "PatientID": "a1"}
BLACK = {"PatientName": "Black^Fay", "PatientID": "x78y", "StudyDate": "20110324"}
SHEN = {"PatientName": "Shen^Xin=沈^心", "PatientID": "x79y"}
ARCHIVE = {"PatientName": "Breast_MRI_001", "PatientID": "Breast_MRI_001"}

# patient, text, expected text
TEXTS: list[tuple[dict[str, str], str, str]] = [
    # radiology text is kept unchanged
    (DOE, "CT CHEST with contrast", "CT CHEST with contrast"),
    (DOE, "t2_tse_sag_3.0 mm  512x512", "t2_tse_sag_3.0 mm  512x512"),
    (DOE, "AX T2 FLAIR, b1000 (1.5T) TE=90", "AX T2 FLAIR, b1000 (1.5T) TE=90"),
    (DOE, "DWI b 50 400 800 L4-L5 30%", "DWI b 50 400 800 L4-L5 30%"),
    (DOE, "chest–abdomen 10×10 mm", "chest–abdomen 10×10 mm"),
    (DOE, "right hand, 2 views", "right hand, 2 views"),
    # names of the patient
    (DOE, "Doe, John: chest", "[removed]: chest"),
    (DOE, "DOE^JOHN^A chest", "[removed] chest"),
    (DOE, "chest JohnDoe", "chest [removed]"),
    (DOE, "chest J. Doe head", "chest [removed] head"),
    (DOE, "chest J.D. head", "chest [removed]. head"),
    (DOE, "doe_chest", "[removed]_chest"),
    (OBRIEN, "head O'Brien", "head [removed]"),
    (OBRIEN, "head O’BRIEN GARCIA", "head [removed]"),
    (OBRIEN, "head Zoe", "head [removed]"),
    (LI, "Li chest", "[removed] chest"),
    (LI, "chest 李", "chest [removed]"),
    (LI, "李娜 chest", "[removed] chest"),
    (HAND, "Hand left", "[removed] left"),
    (HAND, "page 2 of 3", "[removed] 2 of 3"),
    (HAND, "philips CT head", "philips CT head"),
    (DOE, "Hand left", "Hand left"),
    # initials in capitals or with full stops, but not imaging abbreviations
    (DOE, "tech JD head", "tech [removed] head"),
    (DOE, "tech jd head", "tech [removed] head"),
    (DOE, "chest J.A.D. head", "chest [removed]. head"),
    (LI, "tech NL head", "tech [removed] head"),
    ({"PatientName": "Roth^Lea", "PatientID": "x77y"}, "CT LR L/R", "CT LR L/R"),
    ({"PatientName": "Roth^Lea", "PatientID": "x77y"}, "CT L.R.", "CT [removed]."),
    # ... unless they are a signature or follow a label for a person, or are next to a date or time
    (BLACK, "FB T2 AX FB", "FB T2 AX FB"),
    (BLACK, "Tech FB: moved", "Tech [removed]: moved"),
    (BLACK, "marker corrected by FB", "marker corrected by [removed]"),
    (BLACK, "verified 24.03.2011 12:04 FB chest", "verified [removed] chest"),
    (BLACK, "reformat SAG BF 24MAR2011", "reformat SAG [removed]"),
    (BLACK, "reformat SAG FB 20110324", "reformat SAG [removed]"),
    (BLACK, "chest (FB)", "chest ([removed])"),
    (BLACK, "Patient FB, fever", "Patient [removed], fever"),
    (BLACK, "7654321 FB", "[removed] FB"),
    # ... and not codes that are joined to a number
    ({"PatientName": "Stone^Lea", "PatientID": "x80y"}, "GE LS16", "GE LS16"),
    ({"PatientName": "Stone^Lea", "PatientID": "x80y"}, "GE LS chest", "GE [removed] chest"),
    ({"PatientName": "Evans^Pat", "PatientID": "x81y"}, "CHEST PE", "CHEST PE"),
    ({"PatientName": "Iwan^Bo", "PatientID": "x82y"}, "BI-RADS 4", "BI-RADS 4"),
    # initials with full stops are removed; the same letters elsewhere are kept
    ({"PatientName": "Cole^Xena", "PatientID": "x83y"}, "X.C.: C-SPINE", "[removed].: C-SPINE"),
    ({"PatientName": "Pott^Tara", "PatientID": "x84y"}, "T.P. KNEE 3T", "[removed]. KNEE 3T"),
    ({"PatientName": "Clay^Eva Rosa^Sue", "PatientID": "x85y"}, "head E.S.C.", "head [removed]."),
    ({"PatientName": "Farmer^Sue", "PatientID": "x86y"}, "head FARMERS", "head [removed]"),
    # joined to another word
    (HAND, "HandAP left", "[removed] left"),
    (DOE, "HandAP left", "HandAP left"),
    # identifiers
    (DOE, "MRN-4711 chest", "[removed] chest"),
    (DOE, "mrn4711 chest", "[removed] chest"),
    (DOE, "4711 chest", "[removed] chest"),
    (DOE, "4712 chest", "4712 chest"),
    (DOE, "chest AB12/34", "chest [removed]"),
    (DOE, "AB 12 chest", "AB 12 chest"),
    (LI, "head 123", "head [removed]"),
    (LI, "head 00123", "head [removed]"),
    (LI, "head 124", "head 124"),
    (ARCHIVE, "BREAST MRI", "BREAST MRI"),
    (ARCHIVE, "Breast_MRI_001 axial", "[removed] axial"),
    # people and places
    (DOE, "per Dr. Brainard chest", "per [removed] chest"),
    (DOE, "per Dr Young: chest", "per [removed]: chest"),
    (DOE, "Holy chest", "[removed] chest"),
    (DOE, "Hospital of the Holy Ghost chest", "[removed] chest"),
    (SHEN, "胸部CT 造影", "胸部CT 造影"),
    (SHEN, "心臓CT", "[removed]"),
    (DOE, "心臓CT", "心臓CT"),
    (DOE, "МРТ головного мозга", "МРТ головного мозга"),
    (DOE, "Toraks BT kontrastlı", "Toraks BT kontrastlı"),
    (DOE, "per Dra. Young", "per [removed]"),
    (DOE, "head DamianJędra transverse", "head [removed] transverse"),
    # words that were missing in the word lists
    (DOE, "8HRBRAIN, NECK VRT, OSH", "8HRBRAIN, NECK VRT, OSH"),
    # dates of any person
    (DOE, "320x256 Aug. 25, 2009 head", "320x256 [removed] head"),
    (DOE, "on Mar. 24, 2011. Mar. 24, 2011 head", "on [removed] head"),
    (DOE, "at 12:27 Jun 22 2009", "at [removed]"),
    (DOE, "256 24 Mar 2011 head", "256 [removed] head"),
    (DOE, "chest 2012-03-04", "chest [removed]"),
    (DOE, "chest 20120304 head", "chest [removed] head"),
    (DOE, "chest 3/4/12 3/5/12", "chest [removed]"),
    (DOE, "04.03.2012 chest", "[removed] chest"),
    (DOE, "04-MAR-2012 chest", "[removed] chest"),
    (DOE, "March 4, 2012 chest", "[removed] chest"),
    (DOE, "4 mars 2012 chest", "[removed] chest"),
    (DOE, "born 31. Juli 1946 chest", "born [removed] chest"),
    (DOE, "chest 2011-03-31 head", "chest [removed] head"),
    (DOE, "chest 12/31/2011 08:22 AM", "chest [removed]"),
    (DOE, "chest 14. 3. 2009", "chest [removed]"),
    (DOE, "chest 14 / 3 / 2009", "chest [removed]"),
    (DOE, "onset 07/2000, chest", "onset [removed], chest"),
    (DOE, "NU2-2001 head", "NU2-2001 head"),
    (DOE, "chest 2012", "chest [removed]"),
    (DOE, "chest 10:15:30", "chest [removed]"),
    # other texts with the form of an identifier
    (DOE, "chest 617-555-1234", "chest [removed]"),
    (DOE, "chest +1 (617) 555 1234", "chest [removed]"),
    (DOE, "chest john.roe@example.org", "chest [removed]"),
    (DOE, "chest www.example.org/x?y=1", "chest [removed]"),
    (DOE, "chest 123-45-6789", "chest [removed]"),
    (DOE, "chest 7654321", "chest [removed]"),
    (DOE, "chest 1228-122890 head", "chest [removed] head"),
    (DOE, "chest 0624/6916295", "chest [removed]"),
    (DOE, "chest, 90 y/o", "chest, [removed]"),
    (DOE, "90Y chest", "90Y chest"),
    (DOE, "chest XQ7654", "chest [removed]"),
    (DOE, "chest 1.2.840.113619.2.55", "chest [removed]"),
    (DOE, "chest, 93 years old", "chest, [removed]"),
    (DOE, "chest, 45 years", "chest, 45 years"),
    (DOE, "chest Zyxquorn", "chest [removed]"),
    (DOE, "Иванов chest", "[removed] chest"),
    (DOE, "'; drop table x; -- chest", "'; drop table x; -- chest"),
    (DOE, "", ""),
]  # fmt: skip
