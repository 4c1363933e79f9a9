"""Compound words of an allowed word and a word of radiology: Handaufnahme, knieoperatie.

German, Dutch, Swedish, Danish, Norwegian, Finnish and Hungarian write such words together.

Belongs here: the last parts of such words, and the split.
Does not belong here: the list of allowed words (the seed allowed_words), and the decision
(text_cleaning).

No family name ends with these parts, so a name is not taken for such a word.
"""

from __future__ import annotations

from collections.abc import Collection

from dicom_pipeline.deid.cleaning.text_tokens import word_set
from dicom_pipeline.deid.tokens import spellings

_FEWEST_LETTERS = 3
# names such as Strader have two short parts
_LETTERS_BEFORE_SHORT, _LONG = 4, 6
_WORDS = word_set(
    """
    abklärung ablation abszess adenom akquisition allergie anamnese anastomose aneurysma
    angiographie angiografie anomalie applikation arterie arterien arthrose artefakt artefakte
    aspiration atrophie aufnahme aufnahmen ausschluss befund befunde behandlung bereich
    beschwerden bestrahlung beteiligung beurteilung biopsie blockade blutung blutungen chirurgie
    defekt defekte deformität degeneration diagnose diagnostik dilatation dislokation dissektion
    distorsion drainage durchmesser dysplasie darstellung dosis ebene ebenen echo einblutung
    embolie embolien embolisation endoprothese entfernung entzündung entzündungen ergebnis
    erguss ergüsse erkrankung erkrankungen ersatz erweiterung exzision fehlbildung fehlstellung
    fibrose filia fissur fistel fraktur frakturen funktion gabe gewebe gelenk gelenke gelenks
    gelenken geschwulst größe herde hernie hernien höhle hypertrophie hyperplasie implantat
    implantate implantation infarkt infarkte infekt infektion infiltrat injektion instabilität
    insuffizienz intervention karzinom karzinome katheter knochen knoten kompression kontrast
    kontrolle kontrollen kontusion lagerung lähmung läsion läsionen linie messung messungen
    metastase metastasen metastasierung minderung muskel muskeln muskulatur nachsorge nekrose
    nerv nervs nerven ödem ödeme operation operationen organe orthese osteosynthese parenchym
    parese passage perforation perfusion phase phasen planung plastik polyp polypen position
    prellung problem projektion projektionen prolaps prothese prothesen protrusion protokoll
    punktion qualität raum raumforderung reaktion reduziert reduzierte reduziertes reduzierter
    reduziertem region rekonstruktion rekonstruktionen relevant resektion resektionen reserve
    rezidiv ruptur rupturen scan schaden schäden schädigung schmerz schmerzen schwellung
    schwellungen screening schicht schichten schnitte schiene schwäche sehne sehnen sequenz
    sequenzen serie serien sonde sonographie sonografie spalt spiegelung spirale staging status
    stenose stenosen stent steine störung störungen struktur strukturen studie suche symptomatik
    syndrom system szintigraphie szintigrafie technik test therapie thrombose thrombosen
    thrombus tomographie tomografie transplantation trauma tumor tumore tumoren typisch
    überwachung ultraschall untersuchung untersuchungen urographie vene venen veränderung
    veränderungen verdacht verdickung verengung vergrößerung verkalkung verkalkungen verkürzung
    verlagerung verlauf verlaufs verletzung verletzungen verlust verschattung verschiebung
    verschluss verstärkt verstärkte verstärktes verstärkung versorgung volumen vorsorge wandung
    weichteile wirbel wunde wurzel zeichen zentrierung zirrhose zugang zunahme abnahme zustand
    zyste zysten abces aandoening aandoeningen ader aders afwijking afwijkingen artefacten
    belasting bestraling bloeding bloedingen breuk breuken carcinoom contrast controle cyste
    cysten dissectie dosering fase fases foto fotos fractuur fracturen functie gewricht
    gewrichten haarden holte holten implantaat infarct infectie insufficiëntie kanker klacht
    klachten klep klier klieren kraakbeen kramp laesie laesies letsel letsels longen meting
    oedeem onderzoek onderzoeken onrust ontsteking ontstekingen operatie operaties opname
    opnames pijn pijnen poliep poliepen punctie reconstructie reconstructies reactie resectie
    ruptuur scheur scheuren setting slagader spier spieren stenen stoornis stoornissen structuur
    syndroom techniek transplantatie trombose vaten vergroting verkalking vernauwing verstopping
    vocht volume wervel wervels zenuw ziekte ziekten zwelling artär artären artärer blödning
    blödningar blødning blødninger brott brudd cancer cirros cysta cystor emboli fasen
    förändring förändringar förkalkning förstoring frakturer inflammation insufficiens kärl
    kirurgi knöl kontroll kräft kreft kræft körtel körtlar lesion lesioner mätning metastas
    metastaser muskler operasjon ødem ødemer protes proteser recidiv röntgen sena senor sjukdom
    sjukdomar skada skador skade skader skelett smärta smärtor smerte smerter snitt stenos
    stenoser svikt svullnad sykdom sygdom symtom tumör tumörer undersökning undersökningar
    undersøgelse undersøgelser undersøkelse undersøkelser ultraljud utredning vätska væske
    ventrombos ahtauma epäily etäpesäke etäpesäkkeet hoito infarkti kasvain kasvaimet kasvaimen
    kipu kipua kontrolli kuvaus kuvauksen kuva kuvat kysta laskimo leikkaus leikkauksen luun
    luut löydös metastaasi murtuma murtuman murtumat muutos muutokset muutosten nivel nivelen
    nivelten onkalo proteesi punktio rakko repeämä rauhanen rauhasen sairaus selvitys seulonta
    suonet suoni syöpä syövän tukos tulehdus tutkimus tutkimuksen vamma verenvuoto vuoto artéria
    áttét áttétek beavatkozás betegség ciszta daganat daganata elégtelenség elváltozás elzáródás
    fájdalom felvétel felvétele fractura gyulladás ideg izom ízület kezelés kövek megnagyobbodás
    meszesedés műtét műtéti nyirokcsomó prothesis protézis repedés sérülés sérv szakadás
    szűkület szűrés tályog térfogat törés trombózis vérzés vizsgálat vizsgálata vizsgálatok
    """
)
_HEADS = frozenset(form for word in _WORDS for form in spellings(word))
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
        fewest = _FEWEST_LETTERS if size >= _LONG else _LETTERS_BEFORE_SHORT
        for link in _LINKS:
            stem = first[: len(first) - len(link)] if first.endswith(link) else ""
            if len(stem) >= fewest and (stem in allowed_words or f"{stem}e" in allowed_words):
                return stem, head
    return ()
