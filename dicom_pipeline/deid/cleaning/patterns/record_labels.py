"""Numbers after a label: record and telephone numbers, pagers, rooms, national identifiers.

Belongs here: the labels, and what follows them.
Does not belong here: names after a label (name_labels), numbers by their form (number_groups).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dicom_pipeline.deid.cleaning.patterns.number_groups import is_measure
from dicom_pipeline.deid.cleaning.text_tokens import BAR, DIGITS, Span, Token, word_set

# after these a number of any length identifies somebody
_STRONG = word_set(
    """
    mrn pid ssn nhs nino passport nir cpf ahv pesel bsn dni nie hcn medicare medicaid insurance
    accession acc patientid patid patnr patno patientennummer fallnummer fallnr aktenzeichen
    dossiernummer kartoteki prontuário prontuario expediente ward zimmer chambre habitación
    habitacion stanza kamer oda cédula cedula kartei krankenkasse versicherung versicherungsnummer
    № chorobopisu kórlap kórlapszám törzsszám taj journalnummer journalnr personnummer cpr patientnr
    patiëntnummer patientnummer potilasnumero henkilötunnus snils снилс инн карты истории
    """
)
# after these, one with three digits or a letter before its digits
_WEAK = word_set(
    """
    record records rec chart file case order policy license licence member account acct visit
    encounter requisition pager bleep beeper pgr ext extension extn phone telephone tel ph call
    cell mobile fax telefon telefono teléfono telefone telefoon handy durchwahl tél telefonnummer
    dossier historia cartella fall akte auftrag dosya protokol kart nr barcode specimen sample id
    pat patient patients number numéro numero número nummer station room bed lit letto bett cama
    sala pokój yatak rm ending ends endet endend terminant terminada terminado terminando
    história história journal chorobopis nhc karta karty karte fiche fichier fiszka номер история
    карта αριθμός číslo čislo szám beteg potilas pacjent pacjenta pacient pacienta paciente paziente
    pasient пациент пациента registro ipp iep nip hasta
    """
)
# words between a label and the number
_BETWEEN = word_set(
    """
    no nr num number numero numéro número nummer n id ids nº n° no. # is of tel extension ext pat
    patient code in with digits four auf mit en med historii historia choroby clínica clinica médico
    médica medico medica clinico clinique médical medical pacjenta pacienta paciente paziente
    pasient patiënt hasta kayıt protokol karty karta zdravotní болезни пациента карты № последние
    last letzte dernières últimos ultime
    """
)
# rooms and beds have short numbers, but beds are also positions of a scan
_ROOMS = word_set("room rm lit letto bett cama sala station pokój yatak bed")
_LABELS = _STRONG | _WEAK
# in Spanish a preposition: hasta no. 4711, but hasta 4000
_BEFORE_NUMBER_WORDS = frozenset({"hasta"})
# patient 100 kg
_UNITS = word_set("mm cm ml mg kg lb lbs min ms sec years year")
_LABEL_GAP = re.compile("[ .:#=°º/<(*-]{0,4}")
_GROUP_GAP = re.compile("[ ._/-]{0,1}")
# x-4711 is an extension
_EXTENSION = re.compile("(?<![a-z0-9._-])x-[0-9]{3,5}(?![0-9a-z])")
_MOST_BETWEEN = 2
_CJK_LABELS = re.compile(
    "(?:電話|电话|전화|携帯|手机|番号|病历号|住院号|門診号|门诊号|登录号|등록번호|번호|病室|病房|床号|号室|カルテ)"
    "(?:番号|号码|号)? ?[:#=.は]? ?([a-z]{0,2}[0-9][0-9a-z]*(?:[ -][0-9]+)*)"
)


def label_spans(tokens: Sequence[Token], lower: str) -> Iterator[Span]:
    """Yield the spans of numbers after labels.

    Parameters
    ----------
    tokens
        Runs of letters and of digits of the text, in lower case.
    lower
        The text in lower case.
    """
    if not lower.isascii():
        for match in _CJK_LABELS.finditer(lower):
            yield Span(match.start(1), match.end(1))
    for match in _EXTENSION.finditer(lower):
        yield Span(match.start(), match.end())
    if _LABELS.isdisjoint({token.text for token in tokens}):
        return
    for place, token in enumerate(tokens):
        if token.text in _LABELS:
            value = _value(place, tokens, lower)
            if value is not None:
                yield value


def _value(label: int, tokens: Sequence[Token], lower: str) -> Span | None:
    place = label
    is_strong = tokens[label].text in _STRONG
    for _ in range(_MOST_BETWEEN + 1):
        if place + 1 == len(tokens):
            return None
        gap = lower[tokens[place].end : tokens[place + 1].start]
        if BAR in gap or not _LABEL_GAP.fullmatch(gap):
            return None
        place += 1
        if tokens[place].text not in _BETWEEN:
            break
        is_strong = is_strong or tokens[place].text not in ("n", "of", "is")
    if tokens[label].text in _BEFORE_NUMBER_WORDS and place == label + 1:
        return None
    # letters before the digits: AB 1234
    first = place
    if tokens[place].text[0] not in DIGITS:
        if place + 1 == len(tokens) or len(tokens[place].text) > 3:
            return None
        gap = lower[tokens[place].end : tokens[place + 1].start]
        # a word may stand between a label and a number, but not after "no."
        is_near = gap in ("", "-") or (gap == " " and place > label + 1)
        if tokens[place + 1].text[0] not in DIGITS or not is_near:
            return None
        place += 1
    last = place
    digits = len(tokens[place].text)
    while last + 1 < len(tokens):
        gap = lower[tokens[last].end : tokens[last + 1].start]
        following = tokens[last + 1].text
        if is_measure(lower, tokens[last + 1].start):
            break
        if following[0] in DIGITS and _GROUP_GAP.fullmatch(gap):
            digits += len(following)
        elif gap or len(following) > 2:
            break
        last += 1
    if lower[tokens[last].end : tokens[last].end + 1] == "%":
        return None
    following = tokens[last + 1].text if last + 1 < len(tokens) else ""
    if not is_strong and following in _UNITS and lower[tokens[last].end] == " ":
        return None
    if not _is_identifier(
        tokens[label].text, digits, has_letter=last - first > 0, strong=is_strong
    ):
        return None
    return Span(tokens[first].start, tokens[last].end)


def _is_identifier(label: str, digits: int, *, has_letter: bool, strong: bool) -> bool:
    if label in _ROOMS:
        return True
    if label in _STRONG or digits > 2:
        return True
    return strong and label != "nr" and (has_letter or digits > 1)
