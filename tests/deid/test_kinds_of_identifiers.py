"""Kinds of identifiers that texts rewrite, and kinds of harmless text that looks like one."""

from __future__ import annotations

import time

import pytest

from dicom_pipeline.deid.cleaning.own_terms import OwnTerms

from .own import cleaned, cleaner, own_terms

OWN = {
    "PatientName": "Mason^Page^Ivy",
    "PatientID": "0471 1823",
    "AccessionNumber": "KX-88112233",
    "PatientBirthDate": "19310928",
    "StudyDate": "20180514",
    "InstitutionName": "Stone Bridge Hospital",
    "ReferringPhysicianName": "Farmer^Sue",
}
SHORT = {"PatientName": "Gu^Jo", "PatientID": "x7", "StudyID": "3"}
NOBODY = {"PatientName": "", "PatientID": ""}
REMOVED = "[removed]"


@pytest.mark.parametrize(
    "text",
    [
        "47 11 823", "471.1823", "4711/823", "471_1823", "4-7-1-1-8-2-3", "00004711823",
        "4711\u00a0823", "471\u2013182\u20133", "４７１１８２３", "8811 2233", "KX 881 122 33",
        "k x-88112233",
        "471, 18, 23",
    ],
)  # fmt: skip
def test_an_identifier_of_the_patient_is_removed_in_any_grouping(text: str) -> None:
    assert cleaned(OWN, f"chest ({text}) axial") == f"chest ({REMOVED}) axial"


@pytest.mark.parametrize(
    "text",
    [
        "14 05 18", "14_05_18", "20 18 05 14", "18-05-14", "2018/5/14", "5/14/18", "0514", "1405",
        "14.5.", "5/14", "14/05", "05/2018", "2018-05", "14.V.2018", "14 maja", "14 May",
        "May 14th",
        "平成30年5月14日", "H30.5.14", "2018年5月14日", "5月14日", "2018년 5월 14일",
        "２０１８０５１４", "2018",
        "31-09-28", "昭和6年9月28日", "28. IX. 1931", "1931",
    ],
)  # fmt: skip
def test_a_date_of_the_patient_is_removed_in_any_rendering(text: str) -> None:
    assert (cleaned(OWN, f"chest {text}") or "").rstrip(".") == f"chest {REMOVED}"


@pytest.mark.parametrize(
    "text",
    [
        "M A S O N", "M.A.S.O.N.", "P age", "M-ason", "Ma-son", "MasonPage", "pagemason",
        "Page_Mason", "PageMason",
        "Más\u00f3n", "Maso\u0301n", "Ｍａｓｏｎ", "Ma\u200bson", "Ma\u00adson", "Mason's",
        "StoneBridge",
        "Stone Bridge", "STONE-BRIDGE",
    ],
)  # fmt: skip
def test_a_name_of_the_patient_is_removed_split_joined_and_in_other_characters(text: str) -> None:
    assert (cleaned(OWN, f"chest {text}") or "").removesuffix("'s").removesuffix(".") == (
        f"chest {REMOVED}"
    )


@pytest.mark.parametrize("text", ["Gu", "GU", "J o G u", "Gu-Jo", "jogu"])
def test_names_of_two_letters_are_removed(text: str) -> None:
    assert cleaned(SHORT, f"chest {text}") == f"chest {REMOVED}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x7", REMOVED),
        ("3", REMOVED),
        ("patient x7, axial", f"patient {REMOVED}, axial"),
        ("ID: X 7", f"ID: {REMOVED}"),
        ("subject #3", f"subject #{REMOVED}"),
        ("chest\\x7\\axial", f"chest\\{REMOVED}\\axial"),
        ("3 mm, 3 views", "3 mm, 3 views"),
    ],
)
def test_identifiers_of_one_or_two_characters_are_removed_alone_or_after_a_label(
    text: str, expected: str
) -> None:
    assert cleaned(SHORT, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "54321", "555 1234", "617-555-1200", "0228-28-71-50", "020 5843 5577", "07 64 82 95 35",
        "4420 5576 8661 8499", "123 456 789", "123.456.789-09", "1 84 12 76 451 089 46",
        "RSSMRA85T10A562S", "AB 12 34 56 C", "X-1234567-L", "DE89 3704 0044 0532 0130 00",
        "SW1A 1AA", "K1A 0B6", "00-951", "jo@clinic.org", "pacs.clinic.org/p/7",
        "48.85661, 2.35222",
        "48°51'24\"N", "1.2.840.113619", "A4711B82", "AA-12-4711", "X8M3B9C4", "20/03/2001",
        "2004-05",
        "12.VIII.2011", "6 marca 2008", "20 Oct", "92F", "92 ans", "ninety-three",
        "neunundneunzig", "12 Stone Bridge Road", "Hauptstraße 12", "Via Lunga 7",
        "14 rue du Port",
    ],
)  # fmt: skip
def test_what_has_the_form_of_an_identifier_is_removed_whosever_it_is(text: str) -> None:
    assert cleaned(NOBODY, f"chest, {text}") == f"chest, {REMOVED}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MRN 12 34 56", f"MRN {REMOVED}"),
        ("chart no. 4711", f"chart no. {REMOVED}"),
        ("pager 471", f"pager {REMOVED}"),
        ("ext. 4711, axial", f"ext. {REMOVED}, axial"),
        ("x-4711", REMOVED),
        ("room 12B", f"room {REMOVED}"),
        ("Zimmer 7", f"Zimmer {REMOVED}"),
        ("Tel. 28 71", f"Tel. {REMOVED}"),
        ("電話 4711", f"電話 {REMOVED}"),
    ],
)
def test_a_number_after_a_label_is_removed(text: str, expected: str) -> None:
    result = cleaned(NOBODY, text) or ""
    # a label that is no allowed word is removed too
    assert result in (expected, REMOVED, f"{REMOVED}{expected[expected.index(REMOVED) + 9 :]}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Seen by Farmer", f"Seen by {REMOVED}"),
        ("DR. J HAND", REMOVED),
        ("Dr. med. Page: chest", f"{REMOVED}: chest"),
        ("Drs Hand and Page, axial", f"{REMOVED}, axial"),
        ("Mr Flood present", "Mr [removed] present"),
        ("Frau Klein", REMOVED),
        ("tech: Bone; 2 views", f"tech: {REMOVED}; 2 views"),
        ("Faith Stone, MD", REMOVED),
        ("axial Stone, MD", f"axial {REMOVED}"),
        ("axial contrast Faith Stone, MD", f"axial contrast {REMOVED}"),
        ("reviewed by radiologist", "reviewed by radiologist"),
        ("performed by CT technologist", "performed by CT technologist"),
        ("MR HEAD", "MR HEAD"),
        ("HR SENSE", "HR SENSE"),
        ("胸部CT 大腿先生", f"胸部CT {REMOVED}"),
        ("担当医", "担当医"),
    ],
)
def test_names_after_titles_and_labels_are_removed_although_they_are_words(
    text: str, expected: str
) -> None:
    assert cleaned(NOBODY, text) == expected


def test_words_of_an_institution_are_removed_beside_another_one() -> None:
    own = {"PatientID": "a1b2", "InstitutionName": "BATH"}
    assert cleaned(own, "from Bath, chest") == f"from {REMOVED}, chest"
    assert cleaned(own, "BATH") == REMOVED
    assert cleaned(own, "water bath technique") == "water bath technique"


@pytest.mark.parametrize(
    "text",
    [
        "epfid2d1_64", "*tse2d1_15", "InnerEarSpi 1.0", "PW", "SMI", "CFI", "OAx T2",
        "3 mL/s.", "clipped",
        "radiating pain", "cul-de-sac", "MAGNETOM Sempra", "Brilliance Big Bore", "LOGIQBook",
        "256x256",
        "512 x 512 x 128", "DWI b 0 50 400 800", "b0_500_1000", "TE 90 TR 4000", "TR/TE 4500/102",
        "120kV 250mAs", "L4-5, L5-S1", "C3/4 C4/5 C5/6", "5/3 mm", "1.25mm 0.9 pitch",
        "W:1500 L:-600",
        "90Y therapy", "20 s delay", "(4234/1903/1)-(4234/17/1)", "0.6 x 0.6 x 0.6", "2nd SUB",
        "50%", "1 of 3", "45 years", "F-18 FDG 10 mCi",
        "肺癌の疑い、転移の有無", "造影剤アレルギーなし", "怀疑肺癌，有无转移", "수술 후 추적 검사",
        "Kontrola po operacji kręgosłupa", "Sol diz MR incelemesi", "Artefactos por movimiento",
    ],
)  # fmt: skip
def test_harmless_text_that_looks_like_an_identifier_stays(text: str) -> None:
    assert cleaned(OWN, text) == text


def test_what_stays_is_unchanged() -> None:
    text = "Ｃｈｅｓｔ\u00a0ＣＴ \u2013 3\u202fmm"
    assert cleaned(OWN, text) == text


@pytest.mark.parametrize(
    "unit",
    [
        "1", "1 ", "7.", "a", "a ", "A.", "é", "\u0301", "李", "の", "😀", "<b>", "\u202e", "１",
        "Dr ", "MRN ", "by ", "12 Mar ", "1/", "0 ", "x-", "rue ", "St. ", "Am ", "1 a ", "ab1 ",
        "@", "a@", "M A S O ", "a.", "-1", "1-", "+1 ", "Dr.", "7 7 ",
    ],
)  # fmt: skip
def test_a_text_of_10_000_characters_is_cleaned_in_linear_time(unit: str) -> None:
    own = own_terms(OWN)
    text = unit * (10_000 // len(unit))
    start = time.perf_counter()
    assert not cleaner().clean(text, own).failed
    assert time.perf_counter() - start < 2


def test_thousands_of_terms_of_a_patient_make_no_text_slow() -> None:
    terms = [("id", f"{n:07}") for n in range(5_000)] + [
        ("date", f"2{n:03}0514") for n in range(999)
    ]
    own = OwnTerms.of_patient(terms, cleaner().allowed_words)
    start = time.perf_counter()
    for number in range(1_000):
        assert cleaner().clean(f"chest 3 mm {number} of 5, 000 47 11", own).text
    assert time.perf_counter() - start < 2


def test_a_patient_without_name_and_identifier_loses_nothing_else() -> None:
    assert cleaned(NOBODY, "CT chest, left hand") == "CT chest, left hand"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("097Y / Carotid duplex", f"{REMOVED} / Carotid duplex"),
        ("090Y - CINE SA", f"{REMOVED} - CINE SA"),
        ("age: 093Y", REMOVED),
        ("age >94", REMOVED),
        ("Alter > 95", REMOVED),
        ("Age-94", REMOVED),
        ("age is 94, CT chest", f"{REMOVED}, CT chest"),
        ("94-y-old, chest", f"{REMOVED}, chest"),
        ("chest, in her 90s", f"chest, in {REMOVED}"),
        ("chest, in the late 90s", f"chest, {REMOVED}"),
        ("portal venous late 90s", "portal venous late 90s"),
        ("грудь, 94 л.", f"грудь, {REMOVED}."),
        ("chest, female 94", f"chest, {REMOVED}"),
        ("male 94 kg", "male 94 kg"),
        ("054Y CT", "054Y CT"),
        ("90Y therapy", "90Y therapy"),
        ("age < 5", "age < 5"),
    ],
)
def test_an_age_above_89_years_is_removed_in_any_rendering(text: str, expected: str) -> None:
    assert cleaned(NOBODY, text) == expected


@pytest.mark.parametrize(
    "date",
    [
        "24out21", "18Oca19", "4Tem20", "31Ιαν20", "7lip2019", "05Ağu18", "9июл20", "1maj19",
        "12-OUT-2019", "12/set/19", "3 de out de 2019", "3 gen. 2019", "12 lis 2019", "5 ene 2019",
    ],
)  # fmt: skip
def test_a_date_with_the_short_month_of_another_language_is_removed(date: str) -> None:
    assert cleaned(NOBODY, f"CT chest {date}, axial") == f"CT chest {REMOVED}, axial"


@pytest.mark.parametrize("text", ["5deg20", "10sec30", "T2 15min20", "24 out of 21", "3 set 20"])
def test_numbers_around_a_unit_or_a_word_are_no_date(text: str) -> None:
    assert cleaned(NOBODY, text) == text
