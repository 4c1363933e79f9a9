"""Made-up patients of the sweep, one per character set, and texts that mention them.

Belongs here: identifiers of the patients and texts about them.
Does not belong here: attributes (planting) and files (files).
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.charset import convert_encodings

from .needles import MONTHS, Maker

# character set, name with its groups and components, a street, a word that appears nowhere else
LANGUAGES = {
    "english": ("ISO_IR 6", "Zyxquorn^Marloqwe^Qvixby^Dr^III", "Qexwold Lane", "vexquilt"),
    "german": ("ISO_IR 100", "Öttinghäußqen^Jürgqén", "Qörbelstraßxe", "Mäußqich"),
    "spanish": ("ISO_IR 100", "Zúñigaqez Íbarqola^Begoñaqia", "Calle Ñuqexal", "añoxquez"),
    "french": ("ISO_IR 192", "Lévêqzue^Françoîqse", "Rue Éxqalier", "fâcheuqx"),
    "polish": ("ISO_IR 101", "Świętoqzłowski^Bożęqdan", "Ulica Żółqwiowa", "gżegżqółka"),
    "turkish": ("ISO_IR 148", "Yıldızqoğlu^Şükrüqhan", "Çınarqlı Sokak", "ığdırqlı"),
    "russian": ("ISO_IR 144", "Жъхвостов^Ярополкощ", "улица Щъжевая", "чщъжица"),
    "greek": ("ISO_IR 126", "Ζψξόπουλος^Φωτξινή", "Οδός Ξψαθίων", "ψξωτής"),
    "japanese": ("\\ISO 2022 IR 87", "Qamzida^Rqutoki=彌榮霞^鸞龍彦", "鸞鳳坂通", "鱗鷲麒"),
    "korean": ("\\ISO 2022 IR 149", "Kqwakmun^Bqwegoe=곽뭄훗^뷔괭쿨", "꽐뤼길", "쉘뭬훵"),
    "chinese": ("GB18030", "Wqeixin^Dqayun=魏鑫淼^龘赟翾", "龘靐街", "鬱鼉鱻"),
    "arabic": ("ISO_IR 127", "ظغثخضري^ذؤابةض", "شارع ظخضغثذ", "ضظغخؤة"),
    "hebrew": ("ISO_IR 138", "צפטקץוביץ^זףחיאלץ", "רחוב צףטקזן", "קטצפזים"),
}  # fmt: skip

# texts as in real files; identifiers are in braces
_TEXTS = (
    "{family} {given}", "{given}{family}", "{FAMILY}, {given}", "{family}_{patient_id}",
    "CT Abdomen {family}", "CT{family}", "{family}CT", "MRT-{family}-Schädel", "T2 {nowhere} ax",
    "Dr. {physician}", "Dr {physician2} said so", "seen at {institution}", "{institution} CT",
    "MRN {patient_id}", "pid:{number}", "acc#{accession}", "{accession}/{study_id}",
    "DOB {birth_us}", "geb. {birth_de}", "vom {day_de}", "{day_iso} CT", "{day_raw}", "{day_us} MR",
    "Tel {phone}", "call {phone2}", "{phone3}", "mail {mail}", "see http://{host}/x",
    "{foreign_name} {foreign_number}", "prev. {foreign_day_us}", "({foreign_day_iso})",
    "vgl. {foreign_day_de}", "exam{foreign_day_raw}", "on {foreign_day_text}",
    "f/u {foreign_day_slash}", "lives in {street}", "{folded}", "{nowhere}_{number}",
    "Pat: {family}^{given}", "{family}'s knee", "{given}: {nowhere}", "room {station}",
)  # fmt: skip


@dataclass
class Person:
    """A patient with all identifiers."""

    language: str
    charset: str
    codec: str
    name: str
    facts: dict[str, str]

    def encodable(self, text: str) -> bool:
        """Return whether the character set of the person can encode a text."""
        try:
            text.encode(self.codec)
        except UnicodeEncodeError:
            return False
        return True

    def texts(self) -> list[str]:
        """Return the texts about the person that the character set can encode."""
        texts = [template.format(**self.facts) for template in _TEXTS]
        return [text for text in texts if self.encodable(text)]


def make_person(language: str, maker: Maker) -> Person:
    """Create a person of one language; every identifier is a needle."""
    charset, name, street, nowhere = LANGUAGES[language]
    codec = _codec(charset)
    needles = maker.needles
    for part in name.replace("=", "^").replace(" ", "^").split("^"):
        if len(part) > 3 or not part.isascii():
            needles.add("word", part, f"name of {language}", codec)
    for part in street.split():
        if part not in ("Lane", "Calle", "Rue", "Ulica", "Sokak", "улица", "Οδός", "شارع", "רחוב"):
            needles.add("word", part, f"street of {language}", codec)
    needles.add("word", nowhere, f"word of {language}", codec)
    family, given = name.split("=")[-1].split("^")[:2]
    place = language
    phones = [maker.spare_number() for _ in range(2)]
    host = f"{maker.word(place)}.example"
    facts = {
        "family": family, "FAMILY": family.upper(), "given": given, "street": street,
        "folded": name.split("=")[0].replace("^", " ").lower(),
        "nowhere": nowhere, "physician": maker.word(place), "physician2": maker.word(place),
        "institution": f"{maker.word(place)} {maker.word(place)}", "department": maker.word(place),
        "station": f"CT{maker.number(place)}", "patient_id": maker.identifier(place, "QX-{}-K"),
        "number": maker.number(place), "issuer": maker.word(place),
        "accession": maker.identifier(place, "A{}"), "study_id": maker.identifier(place, "S{}"),
        "serial": maker.identifier(place, "SN{}"), "host": host,
        "mail": f"{maker.word(place)}@{host}",
        "phone": f"+49 {maker.number(place)}", "phone2": maker.needles.add(
            "id", f"030/{phones[0][:4]}-{phones[0][4:]}", place),
        "phone3": maker.needles.add("id", f"(555) {phones[1][-7:-4]}-{phones[1][-4:]}", place),
        "foreign_name": maker.word(place), "foreign_number": maker.number(place),
    }  # fmt: skip
    for key, year in (("birth", 1937), ("day", 1987), ("foreign_day", 1987)):
        facts |= _renderings(key, maker.day(place, year))
    return Person(language, charset, codec, name, facts)


def _renderings(key: str, day: str) -> dict[str, str]:
    y, m, d = day[:4], day[4:6], day[6:]
    month = MONTHS[int(m) - 1]
    return {
        f"{key}_raw": day, f"{key}_iso": f"{y}-{m}-{d}", f"{key}_de": f"{d}.{m}.{y}",
        f"{key}_us": f"{m}/{d}/{y}", f"{key}_slash": f"{d}/{m}/{y}",
        f"{key}_text": f"{d} {month} {y}",
    }  # fmt: skip


def _codec(charset: str) -> str:
    return convert_encodings(charset.split("\\"))[-1]
