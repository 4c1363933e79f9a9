"""Identity terms cover the ways in which a text may repeat an identifying value.

Expected terms are written by hand. Lower case is checked against DuckDB, which tokenizes the texts.
"""

import random
import re
import sys
import time

import duckdb
import pytest

from dicom_pipeline.deid.identity_terms import IdentityTerms, terms_of
from dicom_pipeline.deid.tokens import folded, lowered, tokens_of
from dicom_pipeline.mapping.identity_attributes import load_identity_attributes

IDENTITY = load_identity_attributes()


def of(kind: str, text: str, vr: str = "LO") -> dict[str, set[str]]:
    """Return the terms of a value by kind."""
    found: dict[str, set[str]] = {}
    for line in terms_of(kind, vr, text):
        name, _, term = line.partition(":")
        found.setdefault(name, set()).add(term)
    return found


def names(text: str) -> set[str]:
    return of("name", text, "PN").get("name", set())


def initials(text: str) -> set[str]:
    return of("name", text, "PN").get("initials", set())


def persons(text: str) -> set[str]:
    return of("person", text, "PN").get("person", set())


def header(**values: str) -> list[str]:
    """Return the term lines of a header with the given attributes."""
    made = IdentityTerms(IDENTITY)
    return made.of([values.get(a.attribute) for a in IDENTITY.attributes]).split("\n")


class TestTokens:
    @pytest.mark.parametrize("text", ["MRN-4711", "MRN4711", " mrn  4711 ", "mrn_4711", "4711"])
    def test_an_identifier_has_the_same_tokens_with_any_separator(self, text: str) -> None:
        assert tokens_of(text)[-1:] == ["4711"]
        assert tokens_of(text)[:-1] in (["mrn"], [])

    def test_digits_and_letters_are_separate_tokens_and_letters_of_any_script_join(self) -> None:
        assert tokens_of("T2w_Müller’s 胸部X線 v1.5") == [
            "t", "2", "w", "müller’s", "胸部x線", "v", "1", "5",
        ]  # fmt: skip

    def test_a_letter_with_an_accent_is_one_character(self) -> None:
        assert tokens_of("Mu\u0308ller") == tokens_of("Müller") == ["müller"]

    def test_every_character_has_the_lower_case_of_duckdb(self) -> None:
        letters = [chr(n) for n in range(1, sys.maxunicode + 1) if not 0xD800 <= n <= 0xDFFF]
        blocks = ["".join(letters[i : i + 500]) for i in range(0, len(letters), 500)]
        texts = [*blocks, "ΟΔΥΣΣΕΥΣ", "İSTANBUL", "STRAẞE", "DŽ", "ΣΣ Σ"]
        query = "select lower(text) from (select unnest(?) as text)"
        by_duckdb = [row[0] for row in duckdb.execute(query, [texts]).fetchall()]
        assert [lowered(text) for text in texts] == by_duckdb

    @pytest.mark.parametrize(
        ("token", "plain"),
        [
            ("müller", "muller"), ("garcía", "garcia"), ("groß", "gross"), ("øystein", "oystein"),
            ("łukasz", "lukasz"), ("nguyễn", "nguyen"), ("ｌｉ", "li"), ("παπάς", "παπας"),
            ("が", "が"), ("й", "й"), ("김", "김"), ("ñandú", "nandu"), ("\u0384", "\u0384"),
        ],
    )  # fmt: skip
    def test_accents_are_removed_from_letters_whose_capitals_lose_them(
        self, token: str, plain: str
    ) -> None:
        assert folded(token) == plain


class TestNamesOfThePatient:
    def test_all_components_and_component_groups_give_terms(self) -> None:
        found = names("Yamada^Tarou=山田^太郎=やまだ^たろう")
        assert {"yamada", "tarou", "山田", "太郎", "やまだ", "たろう"} < found
        assert {
            "山田太郎",
            "yamadatarou",
        } < found  # names without spaces, as in Asian scripts and login names

    def test_titles_and_degrees_are_not_names(self) -> None:
        found = names("Adams^John Robert Quincy^Brown^Rev. Dr.^B.A. Ph.D. M.Div.")
        assert {"adams", "john", "robert", "quincy", "brown"} < found
        assert not found & {"rev", "dr", "ba", "phd", "ph", "mdiv", "div", "b", "a"}
        assert names("Dr. Page Mr") == {"page"}

    @pytest.mark.parametrize("family", ["Ma", "Major", "Miss", "Do", "Master", "Ing", "Van"])
    def test_a_family_name_that_is_also_a_title_is_a_name(self, family: str) -> None:
        assert family.lower() in names(f"{family}^Anna")

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("李", {"李"}),
            ("Li", {"li"}),
            ("Hand", {"hand"}),
            ("HAND^^^^", {"hand"}),
            ("X", set()),
            ("É", set()),
            ("Li^Wei", {"li", "wei"}),  # liwei is too short to be distinguished from a word
            ("Öz", {"öz", "oz", "oez"}),
            ("Müller", {"müller", "muller", "mueller"}),
            ("MÜLLER", {"müller", "muller", "mueller"}),
            ("Mu\u0308ller", {"müller", "muller", "mueller"}),
            ("Groß", {"groß", "gross"}),
            ("İnce", {"ince"}),
            ("ΠΑΠΑΣ", {"παπασ", "παπας"}),
            ("Ağa", {"ağa", "aga"}),
            ("", set()),
            ("^^^^", set()),
            ("=", set()),
            (" ", set()),
            ("–", set()),
        ],
    )
    def test_a_name_of_one_word(self, name: str, expected: set[str]) -> None:
        assert names(name) == expected

    @pytest.mark.parametrize("name", ["O'Brien^Conor", "O Brien^Conor", "O’Brien^Conor"])
    def test_a_name_has_terms_with_and_without_its_apostrophe(self, name: str) -> None:
        assert {"brien", "obrien", "conor", "conorobrien"} < names(name)

    def test_a_typographic_apostrophe_is_part_of_the_token(self) -> None:
        assert "o’brien" in names("O’Brien^Conor")

    def test_a_name_has_terms_with_and_without_hyphens_and_accents(self) -> None:
        found = names("García-López^María José")
        assert {"garcía", "garcia", "lópez", "lopez", "garcialopez", "garcíalópez"} < found
        assert {"maría", "maria", "josé", "jose", "mariajose"} < found

    def test_additional_spaces_are_ignored(self) -> None:
        assert names("  Doe^ John   Adam ") == names("Doe^John Adam")
        assert names("Doe^John\u00a0Adam") - {"john\u00a0adam"} == names("Doe^John Adam")
        assert {"山田", "太郎", "山田太郎"} < names("山田\u3000太郎")

    def test_all_values_of_a_multi_valued_name_give_terms(self) -> None:
        assert {"doe", "roe"} < names("Doe^Jane\\Roe^Jane")

    def test_a_research_pseudonym_is_an_identifier_and_its_words_are_not_names(self) -> None:
        assert of("name", "Breast_MRI_001", "PN") == {"id": {"breast mri 001"}}
        assert of("name", "LIDC-IDRI-0042^^^^", "PN") == {"id": {"lidc idri 0042", "0042"}}

    def test_a_person_with_a_number_in_the_name_is_still_a_person(self) -> None:
        found = of("name", "Hand^Baby 2", "PN")
        assert found["id"] == {"hand baby 2"}
        assert {"hand", "baby"} < found["name"]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("Doe^John", {"jd", "dj"}),
            ("Doe^John^Adam", {"jd", "dj", "jad", "dja"}),
            ("Doe^John Adam", {"jd", "dj", "jad", "dja"}),
            ("Doe, John", {"jd", "dj"}),
            ("John Doe", {"jd", "dj"}),
            ("John A. Doe", {"jad", "dja"}),
            ("Doe^John Adam^Ben", {"jd", "dj", "jad", "dja", "jbd", "djb", "jabd", "djab"}),
            ("Dr. Doe^John^^Prof.", {"jd", "dj"}),
            ("Doe^Dr. John", {"jd", "dj", "dd"}),
            ("Étienne^Øyvind", {"oe", "eo"}),
            ("Doe^", set()),
            ("山田^太郎", set()),
            ("Breast_MRI_001", set()),
        ],
    )
    def test_initials(self, name: str, expected: set[str]) -> None:
        assert initials(name) == expected

    def test_a_family_name_with_an_initial_is_one_word(self) -> None:
        assert {"farmers", "sfarmer"} < names("Farmer^Sue")
        assert not {"hands", "shand"} & names("Hand^Sue")

    def test_initials_that_are_imaging_abbreviations_are_a_separate_kind(self) -> None:
        assert of("name", "Evans^Pat", "PN")["dotted"] == {"pe"}
        assert initials("Evans^Pat") == {"ep"}

    def test_initials_have_four_letters_at_most(self) -> None:
        assert all(2 <= len(found) <= 4 for found in initials("A B C D^E F G H^I J K L"))

    def test_ten_thousand_characters_are_processed_quickly(self) -> None:
        began = time.process_time()
        for text in ("Müller " * 1500, "ä" * 10_000, "a^" * 5000, "o'a=" * 2500, "1 " * 5000):
            for kind in ("name", "person", "place", "id", "contact"):
                terms_of(kind, "LT", text)
        assert time.process_time() - began < 5
        assert "müller" in names("Müller " * 1500)


class TestOtherPersons:
    def test_names_of_others_have_at_least_three_letters_and_roles_are_not_names(self) -> None:
        text = "Roe^Jane^^Dr.^MD\\CT^Staff\\TECH01\\SW\\Admin\\Unknown\\Radiology\\MRI^Operator"
        assert persons(text) == {"roe", "jane", "roejane", "janeroe"}

    def test_a_name_in_another_script_may_be_shorter(self) -> None:
        assert persons("Li^Ann=李^安") == {"ann", "李", "安", "李安", "安李"}

    @pytest.mark.parametrize("name", ["Hand", "Page", "Philips", "Ward"])
    def test_a_name_that_is_also_a_word_is_a_name(self, name: str) -> None:
        assert persons(f"{name}^Robin") > {name.lower(), "robin"}


class TestIdentifiers:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("00123456", {"00123456", "123456"}),
            (" ab-12 ", {"ab 12"}),
            ("AB12", {"ab 12"}),
            ("MRN4711", {"mrn 4711", "4711"}),
            ("mrn-004711", {"mrn 004711", "004711", "4711"}),
            ("0007", {"0007"}),
            ("12-34-56", {"12 34 56", "123456"}),
            ("4711^^^CLINIC", {"4711 clinic", "4711"}),
            ("7", set()),
            ("A1", set()),
            ("a-b", set()),
            ("---", set()),
            ("", set()),
            ("患者七", {"患者七"}),
            ("abc\\\\x\\12345", {"abc", "12345"}),
        ],
    )
    def test_an_identifier_and_its_long_numbers_are_terms(
        self, text: str, expected: set[str]
    ) -> None:
        assert of("id", text).get("id", set()) == expected

    def test_case_and_padding_are_ignored(self) -> None:
        assert of("id", " Ab-12") == of("id", "aB 12 ")
        assert of("id", "123456")["id"] < of("id", "00123456")["id"]


class TestPlaces:
    def test_an_institution_gives_its_words_and_its_acronym(self) -> None:
        assert of("place", "Massachusetts General Hospital")["place"] == {
            "massachusetts general hospital", "massachusetts", "general", "hospital", "mgh",
        }  # fmt: skip

    def test_an_institution_has_acronyms_with_and_without_small_words(self) -> None:
        assert {"hothg", "hhg"} < of("place", "Hospital of the Holy Ghost")["place"]
        assert {"ucsf", "uocsf"} < of("place", "University of California San Francisco")["place"]

    def test_each_part_of_an_address_has_its_own_acronym(self) -> None:
        found = of("place", "St. Anna Hospital, Am Ring 5\r\n10115 Berlin", "ST")["place"]
        assert {"sah", "anna", "berlin", "ring"} < found
        assert "st anna hospital am ring 5 10115 berlin" in found

    def test_a_place_has_terms_with_and_without_accents(self) -> None:
        found = of("place", "Universität Zürich")["place"]
        assert {"universität zürich", "universitat zurich", "universitaet zuerich"} < found
        assert {"zürich", "zurich", "zuerich"} < found

    def test_a_station_of_letters_and_a_number_is_one_term(self) -> None:
        assert of("place", "CT99")["place"] == {"ct 99"}
        assert of("place", "CT") == {}

    def test_a_backslash_in_an_address_does_not_separate_values(self) -> None:
        assert "ring 5 berlin" in of("place", "Ring 5\\Berlin", "ST")["place"]
        assert "ring 5 berlin" not in of("place", "Ring 5\\Berlin", "LO")["place"]


class TestContactsAndDates:
    def test_a_telephone_number_has_terms_with_and_without_separators(self) -> None:
        assert of("contact", "+49 (30) 450-50", "SH")["contact"] == {
            "49 30 450 50", "493045050",
        }  # fmt: skip
        found = of("contact", "030/4711 x12\\555-1234", "SH")["contact"]
        assert {"4711", "030 4711 12", "030471112", "5551234", "555 1234"} < found
        assert of("contact", "none", "SH") == {}

    def test_a_mail_address_is_a_term(self) -> None:
        text = "tel:0301234567; mailto:jane.roe@clinic.example"
        assert of("contact", text, "LT")["contact"] == {
            "jane roe clinic example", "0301234567", "301234567",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("vr", "text", "expected"),
        [
            ("DA", "20120304", {"20120304"}),
            ("DA", "1994.11.05", {"19941105"}),
            ("DA", "20120304\\20130405", {"20120304", "20130405"}),
            ("DA", "20120230", set()),
            ("DA", "2012", set()),
            ("DA", "***", set()),
            ("DA", "201203041011", set()),
            ("DT", "20120304101112.5+0100", {"20120304"}),
            ("DT", "201203", set()),
            ("DT", "2012031", set()),
        ],
    )
    def test_only_complete_valid_dates_are_terms(
        self, vr: str, text: str, expected: set[str]
    ) -> None:
        assert of("date", text, vr).get("date", set()) == expected


def test_terms_of_any_value_are_tokens_separated_by_single_spaces() -> None:
    chance = random.Random(7)
    pieces = [
        "a", "Zo", "7", "0042", "19700101", "@", "é", "ß", "İ", "ΣΣ", "山", "’", "\u3000", "\u0301",
        "^", "=", "\\", " ", "  ", "-", ",", "\n", ":", "(", "\u0384", "\u0390", "ŉ", "ĳ", "½",
    ]  # fmt: skip
    seen = set()
    for _ in range(4000):
        text = "".join(chance.choices(pieces, k=chance.randint(0, 12)))
        for kind, vr in (("name", "PN"), ("person", "PN"), ("id", "LO"), ("place", "ST"),
                         ("contact", "LT"), ("date", "DA")):  # fmt: skip
            for line in terms_of(kind, vr, text):
                name, _, term = line.partition(":")
                for token in term.split(" "):
                    assert re.fullmatch("[0-9]+|[a-z\u0080-\U0010ffff]+", token), (kind, text)
                seen.add(name)
    assert seen == {
        "name", "initials", "dotted", "person", "id", "place", "contact", "date", "short",
    }  # fmt: skip


class TestHeaders:
    def test_terms_are_sorted_lines_without_duplicates(self) -> None:
        values = {
            "PatientName": "Doe^Jane", "OtherPatientNames": "DOE^JANE", "PatientID": "MRN-4711",
            "AccessionNumber": "4711", "StudyID": "1", "PatientBirthDate": "19700102",
            "StudyDate": "20120304", "ReferringPhysicianName": "Roe",
            "InstitutionName": "Holy Ghost",
            "OtherPatientIDsSequence[1].PatientID": "X-0815",
        }  # fmt: skip
        assert header(**values) == [
            "date:19700102", "date:20120304",
            "id:0815", "id:4711", "id:815", "id:mrn 4711", "id:x 0815",
            "initials:dj", "initials:jd",
            "name:doe", "name:doejane", "name:jane", "name:janedoe",
            "person:roe",
            "place:ghost", "place:holy", "place:holy ghost",
            "short:1",
        ]  # fmt: skip

    def test_a_header_without_identifiers_has_no_terms(self) -> None:
        assert header() == [""]
        assert header(PatientName="", StudyID="-") == [""]

    @pytest.mark.parametrize(("value", "term"), [("1", "short:1"), ("x7", "short:x 7")])
    def test_an_identifier_of_one_or_two_characters_has_a_kind_of_its_own(
        self, value: str, term: str
    ) -> None:
        assert header(StudyID=value) == [term]

    def test_the_time_of_day_does_not_change_the_terms(self) -> None:
        made = IdentityTerms(IDENTITY)
        at = [a.attribute for a in IDENTITY.attributes].index("AcquisitionDateTime")
        for second in range(20):
            values: list[str | None] = [None] * len(IDENTITY.attributes)
            values[at] = f"201203041011{second:02}"
            assert made.of(values) == "date:20120304"
        assert made._cached_terms.cache_info().misses == 1
