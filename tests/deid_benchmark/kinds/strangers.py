"""Texts with an identifier of somebody else, which only its form or its neighbours reveal.

Belongs here: telephone numbers, cards, national identifiers, addresses, names after labels, ages.
Does not belong here: identifiers of the patient (own).
"""

from __future__ import annotations

import random
import re
from datetime import date, timedelta

from . import dates
from .case import Case, Generator, add, kind
from .own import around
from .patients import FAMILIES, GIVEN, Patient

USUAL, RARE = "strangers, usual", "strangers, rare"


def filled(pattern: str, chance: random.Random) -> str:
    """Return a pattern with random digits for ``9``, 1 to 9 for ``8``, letters for ``A``."""
    choices = {"9": "0123456789", "8": "123456789", "A": "ABCDEFGHKLMNPRSTWXYZ"}
    return "".join(chance.choice(choices.get(c, c)) for c in pattern)


def _of(*patterns: str) -> Generator:
    def make(chance: random.Random, own: Patient) -> Case:
        return around(chance, filled(chance.choice(patterns), chance))

    return make


def _labelled(labels: tuple[str, ...], *patterns: str) -> Generator:
    def make(chance: random.Random, own: Patient) -> Case:
        label, pattern = chance.choice(labels), chance.choice(patterns)
        return Case(
            f"chest {label}", filled(pattern, chance), chance.choice(("", ", axial", " T2")), True
        )

    return make


for name, tier, patterns in (
    ("phone_us", USUAL, ("(899) 899-9999", "899-899-9999", "899.899.9999", "+1 899 899 9999",
                         "899 899 8900", "1-800-899-9999", "8995559999")),
    ("phone_us_local", RARE, ("555-9999", "555 9999", "555.9999", "899-8900")),
    ("phone_uk", USUAL, ("020 8999 9999", "+44 20 8999 9999", "07899 999999", "0899 899 9999")),
    ("phone_de", USUAL, ("0228-28-71-50", "0899/899999", "+49 (0)899 899999", "0899 89 99 99",
                         "08999-89999", "0049 89 8999999")),
    ("phone_fr", USUAL, ("07 64 82 95 35", "08.99.99.99.99", "+33 8 99 99 99 99", "0899999999")),
    ("phone_es_it", USUAL, ("899 89 99 99", "899 999 999", "+34 899999999", "08 8999 9999",
                            "+39 08 8999 9999", "389 999 9999")),
    ("phone_br", RARE, ("(89) 98999-9999", "89 8999-9999", "+55 89 98999 9999")),
    ("phone_jp", RARE, ("08-8999-9999", "0899-89-9999", "+81 8 8999 9999", "090-8999-9999")),
    ("phone_cn_kr", RARE, ("138 9999 9999", "010-8999-9999", "+86 138 9999 9999", "02-899-9999")),
    ("phone_pl_nl_dk", RARE, ("899 899 999", "08-89999999", "89 99 99 99", "+48 899 899 999")),
    ("phone_in_au", RARE, ("98999 99999", "0489 999 999", "+91 98999 99999", "(08) 8999 9999")),
    ("card", USUAL, ("4899 8999 9999 9999", "5899-8999-9999-9999", "4899899999999999")),
    ("card_amex", RARE, ("3789 999999 99999", "3489-999999-99999")),
    ("nine_digits", USUAL, ("899 999 999", "899-999-999", "899999999")),
    ("ssn", USUAL, ("899-89-9999", "899 89 9999", "899899999")),
    ("nhs_number", USUAL, ("899 899 9999", "8999999999", "899-899-9999")),
    ("cpf", RARE, ("899.999.999-99", "89999999999", "899 999 999 99")),
    ("nir", RARE, ("1 89 08 89 899 899 89", "289088989989989", "2 89 09 75 899 099 99")),
    ("codice_fiscale", RARE, ("AAAAAA89A19A899A", "aaaaaa89h09h899a".upper())),
    ("dni_nie", RARE, ("89999999A", "89999999-A", "X-8999999-A", "Y8999999A", "89.999.999-A")),
    ("nino", RARE, ("AB 89 99 99 C", "AB899999C", "JK-89-99-99-D")),
    ("pesel_ahv_bsn", RARE, ("89019989999", "756.8999.9999.99", "8999.99.999", "756 8999 9999 99")),
    ("iban", RARE, ("DE89 8999 9999 9999 9999 99", "FR89 8999 9999 99A9 9999 9999 999",
                    "DE89899999999999999999")),
    ("turkish_chinese_id", RARE, ("89999999999", "889999198808189999", "88999919890818999X")),
    ("mail", USUAL, ("aaaa.aaa@clinic.org", "AAAA@mail.example.com", "a.aaaaa99@uni-x.de")),
    ("url", USUAL, ("https://x.example.org/p/8999", "www.aaaaa.de/p?id=899", "http://89.9.9.8/a")),
    ("bare_host", RARE, ("pacs.aaaaa.org", "aaaaa.example.com/view", "portal.aaaa.nhs.uk")),
    ("coordinates", RARE, ("48.8999 N 2.8999 E", "48.89998, -2.89998", "48°51'24\"N 2°21'08\"E")),
    ("uid", USUAL, ("1.2.840.899999.8.99.899", "2.25.899999999999999999")),
    ("postcode_uk_ca", RARE, ("SW8A 8AA", "M8 8AA", "EC8A 8BB", "K8A 8B8", "OX88 8AD")),
    ("postcode_long", RARE, ("94899", "94899-8999", "80899", "89-999", "899-9999", "89999-999")),
    ("alphanumeric", RARE, ("A8999B89", "89AA8999", "AA-89-8999", "X8A9B8C9", "PX89/8999")),
):  # fmt: skip
    add(f"stranger_{name}", tier, "en", _of(*patterns))

for name, tier, labels, patterns in (
    ("mrn", USUAL, ("MRN ", "MRN: ", "mrn#", "MRN no. "), ("89 99 99", "8999", "899-999", "8999999",
                                                           "89 999", "A8999")),
    ("record", RARE, ("record ", "chart no. ", "file no ", "Case ID: ", "acc# ", "order nr "),
     ("8999", "89-99", "899/89", "A899", "8 999")),
    ("pager", RARE, ("pager ", "bleep ", "ext. ", "ext ", "x-", "pgr #", "extension: "),
     ("8999", "899", "89 99", "89999")),
    ("phone_label", USUAL, ("tel ", "Tel.: ", "phone ", "ph: ", "call ", "cell ", "mobile: ",
                            "fax "), ("8999", "899 9999", "899-99", "0899 8999")),
    ("phone_label_in_languages", RARE, ("Telefon ", "Tél. ", "Durchwahl ", "teléfono: ", "Handy ",
                                        "telefoon ", "電話", "电话：", "전화 "),
     ("8999", "899 9999", "899-99")),
    ("record_in_languages", RARE, ("Pat.-Nr. ", "Fallnummer ", "N° dossier ", "nº historia ",
                                   "prontuário ", "cartella ", "dossiernummer ", "nr kartoteki ",
                                   "dosya no ", "患者番号", "病历号", "ID番号：", "등록번호 "),
     ("8999", "89999", "89 99 99", "A8999")),
    ("room", RARE, ("room ", "Rm ", "ward ", "bed ", "Ward: ", "Bed #"), ("8", "89", "899", "8A",
                                                                         "A8", "8-89")),
    ("room_in_languages", RARE, ("Zimmer ", "Station ", "Bett ", "chambre ", "lit ", "habitación ",
                                 "cama ", "stanza ", "letto ", "kamer ", "sala ", "oda "),
     ("8", "899", "8A", "89")),
    ("national_label", RARE, ("SSN ", "NHS no ", "NI number ", "passport ", "NIR ", "CPF ",
                              "AHV-Nr. ", "PESEL ", "BSN ", "DNI ", "policy no. ", "license "),
     ("8999", "A899999", "899 999", "899-99-99")),
):  # fmt: skip
    add(f"stranger_{name}", tier, "en", _labelled(labels, *patterns))


# Names. They are words of a language more often than not, because others are removed anyway.


def _person(chance: random.Random) -> str:
    family, given = chance.choice(FAMILIES), chance.choice(GIVEN)
    return chance.choice((family, family, family.upper(), f"{given} {family}",
                          f"{given[0]}. {family}",
                          f"{given[0]} {family}".upper()))  # fmt: skip


def _named(*labels: str) -> Generator:
    def make(chance: random.Random, own: Patient) -> Case:
        after = chance.choice(("", ", axial T2", ": chest", "; 2 views"))
        return Case(f"CT {chance.choice(labels)}", _person(chance), after, True)

    return make


for name, tier, language, labels in (
    ("title", USUAL, "en", ("Dr. ", "Dr ", "DR. ", "Prof. ", "Mr ", "Mrs. ", "Ms ", "Mr. ")),
    ("title_chain", RARE, "en", ("Dr. med. ", "Prof. Dr. ", "PD Dr. ", "Assoc. Prof. ",
                                     "Mr. Dr. ")),
    ("verb", USUAL, "en", ("seen by ", "reported by ", "read by ", "Performed by: ", "ref by ",
                           "dictated by ", "reviewed by Dr. ")),
    ("role", RARE, "en", ("tech: ", "Technologist: ", "operator: ", "radiologist: ", "nurse ",
                          "referring physician: ", "Attending: ", "Reader: ", "signed: ")),
    ("patient_label", USUAL, "en", ("patient: ", "Patient name: ", "Name: ", "pt. name ", "Pt: ")),
    ("german", RARE, "de", ("Herr ", "Frau ", "Hr. ", "Fr. ", "Arzt: ", "Untersucher: ", "MTRA: ",
                            "befundet von ", "Frau Dr. ", "Zuweiser: ")),
    ("french", RARE, "fr", ("M. ", "Mme ", "Mlle ", "Docteur ", "Pr ", "médecin : ", "vu par ",
                            "Monsieur ", "Madame ", "manipulateur: ")),
    ("spanish", RARE, "es", ("Sr. ", "Sra. ", "Dra. ", "Don ", "Doña ", "paciente: ", "médico: ",
                             "informado por ", "técnico: ")),
    ("italian", RARE, "it", ("Sig. ", "Sig.ra ", "Dott. ", "Dott.ssa ", "paziente: ", "medico: ",
                             "Signora ", "eseguito da ")),
    ("portuguese", RARE, "pt", ("Sr. ", "Dr.ª ", "Dona ", "paciente: ", "laudado por ",
                                 "médico: ")),
    ("dutch", RARE, "nl", ("Dhr. ", "Mevr. ", "mw. ", "patiënt: ", "arts: ", "gezien door ")),
    ("polish", RARE, "pl", ("Pan ", "Pani ", "lek. ", "pacjent: ", "lekarz: ", "opisał ")),
    ("turkish", RARE, "tr", ("Uzm. Dr. ", "hasta: ", "Bay ", "Bayan ", "hekim: ", "Sn. ")),
):  # fmt: skip
    add(f"name_after_{name}", tier, language, _named(*labels))


@kind(RARE)
def two_names_after_a_plural(chance: random.Random, own: Patient) -> Case:
    both = (
        f"{chance.choice(FAMILIES)}{chance.choice((' and ', ' & ', '/'))}{chance.choice(FAMILIES)}"
    )
    return Case(chance.choice(("Drs ", "Drs. ", "Doctors ")), both, ", axial", True)


@kind(RARE)
def lower_case_verb_follows_a_name(chance: random.Random, own: Patient) -> Case:
    return Case(chance.choice(("Mr ", "Mrs ", "Dr ")), chance.choice(FAMILIES), " present", True)


@kind(RARE)
def name_before_a_degree(chance: random.Random, own: Patient) -> Case:
    name = f"{chance.choice(GIVEN)} {chance.choice(FAMILIES)}"
    return Case("chest ", name, chance.choice((", MD", " M.D.", ", RT(R)", ", PhD")), True)


@kind(USUAL)
def unlisted_name(chance: random.Random, own: Patient) -> Case:
    names = [name for name in FAMILIES if len(name) > 6]
    return around(chance, chance.choice(names))


@kind(RARE, "ja")
def name_before_a_japanese_title(chance: random.Random, own: Patient) -> Case:
    name = chance.choice(
        ("山田", "左近", "大腿", "心", "田中", "高橋", "胸部", "前田", "上田", "中")
    )
    return Case(
        chance.choice(("頭部CT ", "胸部CT、")), name, chance.choice(("先生", "様", "医師")), True
    )


@kind(RARE, "zh")
def name_before_a_chinese_title(chance: random.Random, own: Patient) -> Case:
    name = chance.choice(("王", "李", "高", "左", "张伟", "白", "石", "胡", "骨", "肖"))
    return Case(
        chance.choice(("头颅CT ", "胸部CT，")), name, chance.choice(("医生", "主任", "医师")), True
    )


@kind(RARE)
def institution(chance: random.Random, own: Patient) -> Case:
    first = chance.choice(
        ("Stone", "River", "Green", "Bath", "Cross", "Page", "Long Beach", "Grand")
    )
    return Case(
        "from ",
        first,
        chance.choice((" Hospital", " Clinic", " Medical Center", " Infirmary")),
        True,
    )


@kind(RARE)
def street_address(chance: random.Random, own: Patient) -> Case:
    name = chance.choice(("Stone Bridge", "Green", "Long Wall", "Page", "River", "Cross", "High"))
    street = chance.choice(("Road", "Street", "Avenue", "Lane", "Drive", "Rd", "Ave.", "St."))
    return Case("chest, ", f"{chance.randint(1, 400)} {name} {street}", "")


@kind(RARE, "de")
def street_address_in_languages(chance: random.Random, own: Patient) -> Case:
    n = chance.randint(1, 300)
    return Case("Thorax, ", chance.choice((
        f"Langer Weg {n}", f"Steinstraße {n}", f"Am Markt {n}", f"rue du Port {n}",
        f"{n} rue de la Main", f"{n}, avenue du Grand Lac", f"Via Lunga {n}", f"calle Mayor {n}",
        f"Rua Direita, {n}", f"ul. Krótka {n}", f"Kerkstraat {n}", f"Lange laan {n}",
    )), "")  # fmt: skip


def _date_of_somebody(rendering: dates.Rendering) -> Generator:
    def make(chance: random.Random, own: Patient) -> Case:
        when = date(1930, 1, 1) + timedelta(chance.randint(0, 33000))
        return around(chance, rendering(when, chance))

    return make


for rendering, tier in (
    (dates.full_digits, USUAL), (dates.unpadded_digits, USUAL), (dates.named_month, USUAL),
    (dates.split_digits, RARE), (dates.roman_month, RARE), (dates.month_and_year, RARE),
    (dates.named_without_year, RARE), (dates.era, RARE), (dates.ideographic, RARE),
    (dates.full_width, RARE),
):  # fmt: skip
    add(f"date_{rendering.__name__}", tier, "en", _date_of_somebody(rendering))


def _month_of_somebody(language: str) -> Generator:
    def make(chance: random.Random, own: Patient) -> Case:
        when = date(1930, 1, 1) + timedelta(chance.randint(0, 33000))
        how = chance.choice((dates.named_month, dates.named_without_year))
        return around(chance, how(when, chance, language))

    return make


for language in dates.MONTHS:
    if language != "en":
        add(f"date_month_in_{language}", RARE, language, _month_of_somebody(language))


@kind(RARE)
def date_after_a_label(chance: random.Random, own: Patient) -> Case:
    when = date(2004, 1, 1) + timedelta(chance.randint(0, 7000))
    label = chance.choice(
        ("on ", "dated ", "since ", "DOB ", "prior ", "seit ", "le ", "am ", "dal ")
    )
    return Case(f"chest {label}", dates.day_and_month(when, chance), "", True)


@kind(USUAL)
def age_over_89(chance: random.Random, own: Patient) -> Case:
    age = chance.randint(91, 109)
    return around(chance, chance.choice((f"{age} years", f"{age} y/o", f"{age}yo", f"{age} yrs old",
                                         f"{age}-year-old", f"{age}Y", f"aged {age}")))  # fmt: skip


@kind(RARE)
def age_over_89_with_sex(chance: random.Random, own: Patient) -> Case:
    age = chance.randint(91, 105)
    return around(
        chance, chance.choice((f"{age}F", f"{age} M", f"{age}yM", f"F{age}y", f"{age}/F"))
    )


@kind(RARE)
def age_over_89_in_languages(chance: random.Random, own: Patient) -> Case:
    age = chance.randint(91, 105)
    unit = chance.choice((" ans", " Jahre", " años", " anni", " anos", " jaar", " lat", " yaş",
                          "歳", "岁", "세", " лет", "J.", " år", " let"))  # fmt: skip
    return around(chance, f"{age}{unit}")


@kind(RARE)
def age_over_89_in_words(chance: random.Random, own: Patient) -> Case:
    return around(chance, chance.choice((
        "ninety-three", "ninety four year old", "Ninety two", "zweiundneunzig",
        "quatre-vingt-treize", "noventa y dos", "novantadue", "noventa e três", "tweeënnegentig",
    )))  # fmt: skip


@kind(RARE)
def labelled_text_in_full_width(chance: random.Random, own: Patient) -> Case:
    return Case("chest ", re.sub(".", lambda m: chr(ord(m[0]) + 0xFEE0), filled("8999999", chance)))


for name, language, labels in (
    ("record_in_spanish", "es", ("historia clínica ", "expediente ", "registro ")),
    ("record_in_russian", "ru", ("история болезни № ", "номер карты ", "карта ")),
    ("record_in_polish", "pl", ("nr historii choroby ", "nr pacjenta ", "karta ")),
    ("record_in_czech", "cs", ("číslo pacienta ", "chorobopis ", "č. karty číslo ")),
):
    add(f"stranger_{name}", RARE, language, _labelled(labels, "8999"))


def _aged(*patterns: str) -> Generator:
    def make(chance: random.Random, own: Patient) -> Case:
        before, after = chance.choice(patterns).split("#")
        age = str(chance.randint(91, 104))
        return Case(f"chest, {before}", age, f"{after}{chance.choice(('', ', axial'))}", True)

    return make


for name, language, patterns in (
    ("swedish", "sv", ("#-årig kvinna", "ålder #", "# år")),
    ("dutch", "nl", ("#-jarige", "leeftijd #", "# jaar")),
    ("polish", "pl", ("lat #", "#-letnia", "wiek #")),
    ("czech", "cs", ("věk #", "# let", "#letý")),
):
    add(f"stranger_age_in_{name}", RARE, language, _aged(*patterns))
for name, labels, patterns in (
    ("post_office_box", ("P.O. Box ", "PO Box ", "Postfach ", "postbus "), ("8999", "899")),
    ("house_after_a_label", ("address: Elmhof ", "adres: Gül Sok. No: "), ("8", "89")),
    ("handle", ("",), ("@quastenb_89", "@q.stenberg", "@quasten89")),
    ("pension_number", ("",), ("89 899999 A 899", "89899999A899")),
):
    add(f"stranger_{name}", RARE, "en", _labelled(labels, *patterns))
