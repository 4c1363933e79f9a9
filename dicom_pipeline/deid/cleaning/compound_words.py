"""Words of German and Dutch that consist of an allowed word and a word of radiology: Handaufnahme.

Belongs here: the last parts of such words, and the split.
Does not belong here: the list of allowed words (the seed allowed_words), and the decision
(text_cleaning).

No family name ends with these parts, so a name is not taken for such a word.
"""

from __future__ import annotations

from collections.abc import Collection

from dicom_pipeline.deid.cleaning.text_tokens import word_set

_FEWEST_LETTERS = 3
_HEADS = word_set(
    """
    abklärung abszess angiographie arterie arterien artefakt artefakte aufnahme aufnahmen befund
    biopsie blutung darstellung diagnostik distorsion dissektion durchmesser embolie embolisation
    entfernung entzündung erguss erkrankung fissur fraktur frakturen gelenk gelenke gelenks hernie
    implantat infarkt infekt insuffizienz karzinom katheter knochen kontrolle kontrollen läsion
    läsionen messung metastase metastasen nerv nervs ödem operation orthese osteosynthese phase
    planung plastik position projektion prothese punktion raum rekonstruktion resektion ruptur
    schmerz schmerzen schwellung screening sehne sehnen sequenz serie sonographie spalt stenose
    stenosen stent szintigraphie therapie thrombose transplantation trauma tumor tumore tumoren
    untersuchung untersuchungen verdacht verengung verkalkung verkalkungen verletzung verschluss
    vergrößerung wirbel zentrierung zyste zysten
    ader aders bloeding breuk foto functie gewricht holte kanker kliep klier klieren letsel meting
    onderzoek ontsteking opname opnames pijn slagader vernauwing wervel wervels ziekte
    """
)
_LONGEST_HEAD = max(map(len, _HEADS))
# letters between the parts
_LINKS = ("", "s", "n", "en", "er", "es")


def compound_parts(word: str, allowed_words: Collection[str]) -> tuple[str, ...]:
    """Return the allowed word and the last part of a compound word; empty if it is none.

    Parameters
    ----------
    word
        Letters of a text, in lower case.
    allowed_words
        Words that identify nobody.
    """
    for size in range(min(_LONGEST_HEAD, len(word) - _FEWEST_LETTERS), _FEWEST_LETTERS, -1):
        head = word[-size:]
        if head not in _HEADS:
            continue
        first = word[:-size]
        for link in _LINKS:
            stem = first[: len(first) - len(link)] if first.endswith(link) else ""
            if len(stem) >= _FEWEST_LETTERS and (
                stem in allowed_words or f"{stem}e" in allowed_words
            ):
                return stem, head
    return ()
