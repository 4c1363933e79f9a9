"""Words of texts that are also names of people.

They are allowed words. After a title or a label for a person they are removed.

Belongs here: the list, in lower case.
Does not belong here: titles and labels (name_label_words), words that are names only (no list
needed: they are not allowed).
"""

from __future__ import annotations

from dicom_pipeline.deid.cleaning.text_tokens import word_set

NAME_WORDS = word_set(
    """
    abdo able agar ai al alla alleen allegra alles alpha alt alta alter ami amira an ang angle
    apple ard arm arms art arter artis asa atlas au avant ayer azure bad banker barco bard bark
    barrett barrier barriga basel basso bath bauch bayer beam beams bear bee beer bein bellows
    belt besser best bias bien big bigger black blade blanc blanco blank blind bliss bloch block
    blocker blood bloom blow blue blunt bo board bode body bold bone bones boots border borders
    borg born borst bottom box bracco brace brain branch brand bravo breed bridge bright brite
    broad brothers brown bruch brust buckle bump burden burr butcher butterworth button cable
    cage caldwell cale call campo can canale cancel cane canon capo capra cara card carico
    carina carrier carry case cassette center centers cha chamber chambers champ champion
    channel chapa check cheek chess chew chi child chin chip chute class clear clerk close cloud
    coach cobb coffee coil collar collum colon comes comfort como conception concha cone conn
    constant cool cope copper corazon core corn corner corona corp corpus corr cort cortes
    costas costilla cote cotton couch counts court cousin cover crane crisp cross crown cruzado
    cuff cushing cutter cutting daily dancer dandy dao dark das dates day days deel degree
    dejarnette del delay delgado della delta dent deputy dia diep dix dixon doak doctor doe dot
    dove drain dress driver drown dry du due dunkel durante duty dy dye early eastman echo ed
    eda eddy edge ek ela eli else ena endo english era erb espinal esta ethyl ewing eye factor
    fall falls fan farmer fe feather feathers fee fell fett few field fields file files filler
    fine finger fish fitting fix flach flood foley font force forester forte forward fout frame
    freeze french friend fu fuss fuß gain galle ganz gardener garnet gates genesis german gia
    gist glass glazier gleason go gold good gore grado gram grams gran grand grande grass grasso
    grau graves gray greek grey gros gross grosse grosso grote große grube grund gu guard guida
    ha haar haber hair hals hammer hand hann harbor hard harder harmony harn harness hart
    hashimoto hatten haven hay hazard head heal heart heater height held hermes hertz herz
    hickman hier hilaire hires hoch hodgkins hoge holding holter honey hook horn hose hoy hoyer
    hu human hurt husband im ima in ince ingle iris izquierdo ja jama job judge kan keel kerley
    key ki kidney kiefer kinder kirschner kist kistler kit kite kleine knee ko koh kopf kort
    korte krebs kurze la lady lage lamp lao lastra law lawyer lax lay leaf leak leaks lean
    learned leber leger legere legg lent les lesser lever ley li licht light lima line liner
    lines link linke linker list lita little lo lobo lock locker long look loop loose lor loud
    lu lucht luft lung ma maag mac mach magen magnus mah main mains major maker malin maly man
    mano manos mantle manual mao marconi marg marker marks marrow mash mask maske mass massa
    masse mast matter max maxima mayor mcburney mcmurray meals meas merchant merkel meta mi min
    minder miner minor miss mix mo mole moles mond mondor morita morning mount mund mundo muse
    music mutter na nadel nail nash near neer nella nelle neu newborn nez ng nice nickel noga
    noh noon norm north norwood noto nova nu nurse nuss ober officer oh ok old olea omega opp
    orange organ orta orth osgood overall pa pace pack packer page painter pair palm pan
    pancoast parent parkinson pass pastor pat patch patience peak peel peer peg people pepper
    perna pero perone person petit petite philips pia pica pick piede pillow pilot pine pink
    place plain plant plaster pointer pon pons pool poor port poss post pounds power press
    pretty priest prim prime primo prior prom proper proto punch purpura quick ra race range
    rank rao rash rast rather ray rayo re reach read reader ready real reason record red
    register rein render rene rester resto rider ridge riding rima ring ringer risk ro roa rod
    rodas rode roles roll rolling roof room root roots ros rot row ruch rule runner running rust
    rye sailor sales salmon salter sang sao sax say scales schade schick schimmel schlecht
    schnell schuller scout sea seal segundo senior sera service session sessions severe shade
    shake sharp sharper shear shell shield shields shim shin shock shoemaker short shorter
    shoulders shows sid sides siemens signe silver sim sin sing singer sites situ sitz skip sky
    slough small smart sober sol solar son soon sottile span speaks speed spier spikes spina
    spring square stabile stack stacks staff stage stairs stamm stamp standard stapler staples
    star starke start states steel stem stich stiff stock stocking stone straight strain strong
    struck stryker stuck stump su sue sugg sum super surface swallow swan sweat swim ta tacker
    tall tam tan tardif tarry tas taş tea tee tell teller temple tera terra teufel than thor tia
    tief till tiny toma tone towne townes trader trainer treat trim true truex tse tu tune tutor
    um un una ute van vecchio vena ver vessels vi vida vita vital vo voll von vue wada wait wake
    walk wall walls wash wasser waters watt wax way wear wedding wedge weekly weeks wegener
    weight weil wert wheat whipple white wi willis wine wing wire wit witte wm won word worden
    work wunsch xi yan yon you yuk zahn zak zona
    """
)
# words before a family name
PARTICLES = word_set(
    "van von de der den di da du della del la le les el al bin ben ter ten te zu zur dos das mc mac"
    " st san fitz"
)
