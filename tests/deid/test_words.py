"""Seeds of words: words allowed in free text, and codes that the standard defines."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import ascii_lowercase

import pytest
from pydicom.charset import python_encoding
from pydicom.sr._concepts_dict import concepts

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.deid.cleaning.compound_words import compound_parts
from tools import allowed_words as tool

SEEDS = DBT_PROJECT_DIR / "seeds"
# the definition of a token, repeated here: a run of ASCII letters and non-ASCII characters
TOKEN = re.compile(r"[a-z\u0080-\U0010ffff]+")

SENTENCES = [
    "CT ABDOMEN AND PELVIS W/WO IV CONTRAST",
    "MRI Lumbar Spine without contrast, r/o disc herniation",
    "XR Chest PA & Lat portable, post-op day 2",
    "t2_tse_sag FS 3mm, ep2d_diff b1000 ADC",
    "Screening mammogram bilateral with tomosynthesis (CAD)",
    "US DUPLEX CAROTID BILATERAL",
    "PET-CT Ganzkörper nativ, Lagerung: Rücken",
    "MRT Kniegelenk links nach Distorsion",
    "IRM cérébrale sans et avec injection de gadolinium",
    "TAC de tórax con contraste, fase arterial",
    "TC addome superiore senza mezzo di contrasto",
    "RM da coluna lombar, paciente com dor",
    "CT thorax met contrast, onderste longvelden",
    "Thorax^01_Chest_Routine (Adult)",
    "history of breast cancer, shortness of breath",
    "allergic to penicillin and iodine",
    "SIEMENS SOMATOM Definition AS+",
    "GE MEDICAL SYSTEMS Optima MR450w",
    "Philips Ingenia, Body coil, mDIXON",
    "patient in wheelchair, needs interpreter",
]

# the most frequent names of several countries, and places, that are not words of radiology
NAMES = """
smith johnson williams jones garcia miller davis rodriguez martinez hernandez lopez gonzalez
wilson anderson thomas taylor moore jackson martin lee perez thompson harris sanchez clark ramirez
lewis robinson walker allen king wright scott torres nguyen hill flores adams nelson baker hall
rivera campbell mitchell carter roberts müller mueller schmidt schneider fischer meyer weber
wagner becker schulz hoffmann bauer schwarz rossi russo ferrari esposito romano dupont dubois
moreau silva santos oliveira souza costa pereira jansen bakker visser wang zhang chen yang kim
tanaka suzuki kumar singh patel sharma khan ahmed ivanov kowalski novak andersson james robert
john michael david william richard joseph charles mary patricia jennifer linda elizabeth barbara
susan jessica sarah karen nancy anna maria peter paul hans klaus ursula monika jean pierre luca
giulia sofia emma olivia jan piet mohammed ali omar fatima victoria albert frank george carlos
juan jose sven stan sybil kozak zimmerman london paris berlin boston cleveland stanford mayo
hopkins kettering sinai charite karolinska duke vanderbilt   upenn mgh bwh ucsf mskcc
memorial presbyterian
"""

MONTHS = """
january february march april may june july august september october november december jan feb mar
apr jun jul aug sep sept nov dec januar februar märz maerz mai juni juli oktober dezember janvier
février fevrier mars avril juin juillet août aout septembre octobre novembre décembre decembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre gennaio
febbraio aprile maggio giugno luglio settembre ottobre dicembre januari februari maart mei
augustus janeiro fevereiro março marco maio junho julho setembro outubro dezembro monday tuesday
wednesday thursday friday saturday sunday mon tue wed thu fri montag dienstag mittwoch donnerstag
freitag
"""


def rows_of(seed: str) -> list[dict[str, str]]:
    with (SEEDS / f"{seed}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def words() -> dict[str, str]:
    return {row["word"]: row["source"] for row in rows_of("allowed_words")}


def test_words_are_listed_once_and_in_order(words: dict[str, str]) -> None:
    listed = [row["word"] for row in rows_of("allowed_words")]
    assert len(listed) == len(words)
    assert listed == sorted(listed)


def test_allowed_words_contain_only_lower_case_letters(words: dict[str, str]) -> None:
    assert [word for word in words if not TOKEN.fullmatch(word) or word != word.lower()] == []


def test_no_word_is_read_as_null_from_a_seed(words: dict[str, str]) -> None:
    assert {"", "null"} & set(words) == set()


def test_each_word_has_a_source(words: dict[str, str]) -> None:
    assert set(words.values()) == {"dicom", "idc", "unit", "vendor", "language"}


def test_single_letters_are_allowed(words: dict[str, str]) -> None:
    assert set(ascii_lowercase) <= set(words)


def test_months_and_weekdays_are_not_allowed_words(words: dict[str, str]) -> None:
    assert set(MONTHS.split()) & set(words) == set()


def test_names_and_places_are_not_allowed_words(words: dict[str, str]) -> None:
    assert set(NAMES.split()) & set(words) == set()


def test_texts_of_radiology_remain_complete(words: dict[str, str]) -> None:
    tokens = [token for text in SENTENCES for token in tool.letter_tokens(text)]
    assert [token for token in tokens if not tool.survives(token, words)] == []


def test_the_list_of_a_site_is_empty_at_first() -> None:
    assert (SEEDS / "allowed_words_site.csv").read_text() == "word,source\n"


# The tool


@pytest.mark.parametrize(
    ("token", "stays"),
    [
        ("AbdRoutine", True),
        ("MRSpine", True),
        ("JohnSpine", False),
        ("SpineJohn", False),
        ("aBcD", False),
    ],
)
def test_a_token_is_allowed_if_all_its_parts_are_allowed(token: str, stays: bool) -> None:
    assert tool.survives(token, {"abd", "routine", "mr", "spine", "a", "b", "c", "d"}) is stays


@pytest.mark.parametrize("name", sorted(p.name for p in tool.LISTS.glob("*.txt")))
def test_lists_have_words_in_lower_case_and_no_denied_word(name: str) -> None:
    listed = tool.listed(name)
    assert listed
    assert [word for word in listed if not tool.is_word(word)] == []
    if name != "denied.txt":
        assert listed & tool.listed("denied.txt") == set()


def texts_with(word: str, held_out: bool) -> Iterator[str]:
    """Generate texts that contain a word and belong to one part."""
    return (text for n in range(999) if tool.held_out(text := f"{word} {n}") is held_out)


def test_a_word_of_descriptions_needs_enough_collections_and_patients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few, many = {"p1", "p2"}, {f"p{n}" for n in range(9)}
    rows = [
        (next(texts_with("frequent", held_out=False)), {"c1", "c2"}, many),
        (next(texts_with("onecollection", held_out=False)), {"c1"}, many),
        (next(texts_with("fewpatients", held_out=False)), {"c1", "c2"}, few),
        (next(texts_with("heldout", held_out=True)), {"c1", "c2"}, many),
    ]
    monkeypatch.setattr(tool, "idc_rows", lambda columns: iter(rows))
    monkeypatch.setattr(tool, "listed", lambda name: set())
    assert tool.from_idc() == {"frequent"}


def test_an_entry_of_a_list_stands_for_a_stem_with_each_of_its_endings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.txt").write_text("# endings\n=ADJ y a\nnerk/0,i kostn/ADJ,o guz\n")
    monkeypatch.setattr(tool, "LISTS", tmp_path)
    assert tool.listed("list.txt") == {"nerk", "nerki", "kostny", "kostna", "kostno", "guz"}


@pytest.mark.parametrize(
    "word", ["größe", "gesäß", "kırık", "ağrı", "θώρακας", "μαστός", "лёгкое", "tętnica", "çekim"]
)
def test_a_listed_word_is_allowed_in_capitals(word: str, words: dict[str, str]) -> None:
    # capitals in lower case again, one letter at a time
    assert "".join(letter.lower()[0] for letter in word.upper()) in words


def family_names() -> set[str]:
    """Return names of people in languages that write compounds as one word."""
    found: set[str] = set()
    for locale in ("de_DE", "de_AT", "nl_NL", "nl_BE", "sv_SE", "da_DK", "no_NO", "fi_FI", "hu_HU"):
        provider = import_module(f"faker.providers.person.{locale}").Provider
        for listed in ("last_names", "first_names"):
            found.update(name.lower() for name in getattr(provider, listed, ()))
    return found


def test_no_name_of_a_person_is_a_compound_of_allowed_words(words: dict[str, str]) -> None:
    names = family_names() | {"strader", "calvene", "dossena", "vanneste"}
    assert len(names) > 5_000
    assert [name for name in names - set(words) if compound_parts(name, words)] == []


@pytest.mark.parametrize(
    "word",
    ["Handaufnahme", "Größenverlauf", "dosisreduziertes", "heupoperatie", "lungröntgen",
     "Lungenoedem", "keuhkotutkimus", "tüdődaganat"],
)  # fmt: skip
def test_a_compound_of_an_allowed_word_and_a_word_of_radiology_is_kept(
    word: str, words: dict[str, str]
) -> None:
    assert word.lower() in words or compound_parts(word.lower(), words)


def test_the_list_of_denied_words_overrides_every_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tool, "from_idc", lambda: {"abdomen", "smith", "siemens"})
    assert tool.allowed()["abdomen"] == "dicom"
    assert "smith" not in tool.allowed()


def test_the_seed_equals_the_output_of_the_tool() -> None:
    try:
        installed = version("idc-index-data")
    except PackageNotFoundError:
        installed = None
    if installed != tool.IDC_VERSION:
        why = f"allowed_words.csv is NOT compared: needs idc-index-data=={tool.IDC_VERSION}"
        warnings.warn(why, stacklevel=1)
        pytest.skip(why)
    made = tool.as_csv(tool.allowed())
    assert made == tool.SEED.read_text(encoding="utf-8"), "run `make words`"


# Defined terms


@pytest.fixture(scope="module")
def terms() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows_of("defined_terms"):
        assert row["term"] not in found.setdefault(row["attribute"], set()), row
        assert row["source"]
        found[row["attribute"]].add(row["term"])
    return found


def test_every_attribute_kept_as_a_code_has_defined_terms(terms: dict[str, set[str]]) -> None:
    kept = {
        row["attribute"]
        for row in rows_of("anonymization_mapping")
        if "keep_code" in (row["research"], row["strict"]) and row["vr"] == "CS"
    }
    assert set(terms) == kept


def test_a_defined_term_is_a_code_string(terms: dict[str, set[str]]) -> None:
    assert [t for of in terms.values() for t in of if not re.fullmatch("[A-Z0-9_ ]{1,16}", t)] == []


def test_modalities_are_the_codes_of_the_standard(terms: dict[str, set[str]]) -> None:
    acquisition_modality, modality = 29, 33
    codes = {
        code
        for entries in concepts["DCM"].values()
        for code, (_, groups) in entries.items()
        if {acquisition_modality, modality} & set(groups)
    }
    assert len(codes) > 50
    assert codes <= terms["Modality"]


def test_character_sets_are_those_pydicom_decodes(terms: dict[str, set[str]]) -> None:
    assert {name for name in python_encoding if name.startswith("ISO")} <= terms[
        "SpecificCharacterSet"
    ]


@pytest.mark.parametrize(
    ("attribute", "term"),
    [
        ("BodyPartExamined", "HAND"),
        ("BodyPartExamined", "TSPINE"),
        ("BodyPartExamined", "CHESTABDPELVIS"),
        ("ImageType", "ORIGINAL"),
        ("ImageType", "LOCALIZER"),
        ("PatientPosition", "HFS"),
        ("PhotometricInterpretation", "MONOCHROME2"),
        ("ScanningSequence", "GR"),
        ("LossyImageCompression", "00"),
        ("MRAcquisitionType", "3D"),
    ],
)
def test_common_terms_are_listed(terms: dict[str, set[str]], attribute: str, term: str) -> None:
    assert term in terms[attribute]
