"""Titles, labels and degrees beside which a name stands.

Belongs here: words of the languages, by how a name stands beside them.
Does not belong here: the search for names beside them (name_labels).
"""

from __future__ import annotations

from dicom_pipeline.deid.cleaning.text_tokens import word_set
from dicom_pipeline.deid.identity_words import ABBREVIATIONS, ROLES

# a name follows, whatever the word is
TITLES = word_set(
    """
    dr drs prof profs doctor doctors mrs mister missis herr frau mme mlle madame monsieur docteur
    mademoiselle sra srta señor señora doña dra dott dottor dottoressa sig signor signora signore
    dona dhr mevr mevrouw drhab uzm sayın bayan pani доктор врач professor drmed ssa ra dre
    dres dras doktoren doctores doutor doutora doktorn docent přednosta primář mudr dott.ssa
    paní pán slečna fru frøken fröken rouva herra domnul doamna κύριος κυρία κος κα
    γιατρός господин госпожа гражданин гражданка профессор доцент ordynator przełożony
    """
)
# a name follows if the word is a name, or has the form of one
WEAK_TITLES = word_set(
    "sn hr mr ms sr m fr pr mw don pan bay sr. lek hekim capt rev sir lady miss pd"
)
ABBREVIATED = word_set("sn hr mr ms sr m fr pr pd pan")
# names that are rather abbreviations of imaging if they are in capitals
ABBREVIATED_NAMES = ABBREVIATIONS - word_set("bone gu art left neck soft lung body")
# DR HAND is an examination
BODY_PARTS = word_set(
    "hand hands head knee finger fingers arm arms leg foot chin shoulder shoulders shin hip wrist"
    " elbow ankle toe chest neck spine eye back lung bone bones brain skull rib ribs kidney heart"
)
PLURALS = word_set(
    "drs doctors profs messrs herren dres doktoren dras doctores sres sras docteurs dottori drii"
)
AND = word_set("and und et y e i en och og ve и și a")
# parts of a title, and particles of names
INSIDE_TITLES = word_set(
    "dr med prof univ doz habil hab dent phil rer nat priv ing dipl pd assoc asst sc ª º"
)
# a person follows `by` and its translations after these words
ACTIONS = word_set(
    """
    seen read reported performed ref referred dictated reviewed done scanned signed verified checked
    approved requested ordered corrected prepared marked injected interpreted examined acquired
    transcribed attended assisted supervised authored entered cosigned discussed
    befundet untersucht durchgeführt erstellt gesehen geschrieben angefordert überwiesen freigegeben
    vu lu réalisé rapporté effectué prescrit demandé validé adressé
    informado realizado visto firmado solicitado validado laudado examinado referido
    eseguito refertato visto richiesto firmato letto
    gezien beoordeeld verricht aangevraagd opisane opisany wykonane wykonał
    verwezen gestuurd doorgestuurd uitgevoerd beschreven encaminhado encaminhada enviado enviada
    remitido remitida derivado derivada solicitada inviato inviata richiesta eseguita refertata
    adressée réalisée prescrite opisana wykonana skierowany skierowana odesláno odeslán vyšetřen
    popsal remitterad remitterat undersökt utförd henvist undersøgt
    """
)
# the same for work on a device
SERVICES = word_set(
    """
    installed configured serviced updated upgraded maintained calibrated customized repaired
    installiert gewartet aktualisiert konfiguriert kalibriert repariert installé configuré
    instalado actualizado atualizado installato aggiornato geïnstalleerd
    """
)
BY = word_set("by von durch par por da dal dalla door przez vom per av af od pelo pela")
# somebody was talked to
TALKED = word_set(
    """
    discussed spoke talked besprochen gesprochen discuté discutido discutida comentado comentada
    discusso discussa besproken overlegd omówiono omówione konsultowano konzultováno diskuterat
    drøftet görüşüldü vu vue
    """
)
WITH = word_set("with to mit avec con com met z ze s med ile")
# verbs that a name follows at once
NAMED_VERBS = word_set("opisał opisała wykonał wykonała zlecił zleciła")
# a name follows after a colon
LABELS_WITH_COLON = word_set(
    """
    tech technologist technician radiographer sonographer operator nurse radiologist physician
    attending reader resident fellow surgeon referrer referring reviewer signed signature name
    contact kin mother father parent wife husband spouse guardian emergency
    patient pt pat subject volunteer examiner author observer
    arzt ärztin untersucher mtra mta mtr zuweiser radiologe befunder überweiser einsender patientin
    médecin medecin manipulateur manipulatrice radiologue prescripteur nom prénom opérateur
    médico medico técnico tecnico paciente radiólogo nombre operador solicitante
    paziente radiologo tecnico nome cognome operatore
    arts patiënt patient laborant radioloog naam lekarz pacjent pacjentka technik nazwisko imię
    hasta hekim doktor teknisyen ad soyad adı soyadı läkare
    """
)
# staff and relatives: a name in the form of one follows without a colon
STAFF = word_set(
    """
    technologist radiographer sonographer mother father husband wife daughter guardian
    técnico técnica tecnico médico médica medico medica enfermera enfermero enfermeira enfermeiro
    radiólogo radióloga radiologo radiologa radiologue infermiere infermiera tsrm manipulateur
    manipulatrice infirmier infirmière médecin madre padre hija hijo mère père filha filho figlia
    figlio moglie marito marido esposa laborant laborantka laborante verpleegkundige radioloog arts
    moeder vader technik lekarz lekarka pielęgniarka elektroradiolog radiolog matka ojciec lékař
    lékařka sestra sjuksköterska röntgensjuksköterska läkare röntgenläkare undersköterska dotter
    sykepleier lege radiograf læge sygeplejerske hoitaja lääkäri röntgenhoitaja orvos asszisztens
    doktor hekim hemşire teknisyen tekniker radyolog anne baba лаборант рентгенлаборант медсестра
    рентгенолог фельдшер лікар медик мать отец муж жена ιατρός νοσηλεύτρια τεχνολόγος
    """
)
# a name that is a word follows
CALLS = word_set("call phone page contact ring notify notified informed inform called paged cc")
# a name that is a word stands before these
TOLD = word_set(
    """
    informed notified aware paged informado informada informato informata prévenu
    prévenue informé informée présent présente presente poinformowany poinformowana informován
    informována informerad informeret underrettet bilgilendirildi ingelicht geïnformeerd
    """
)
# roles that sign with two initials: tech GA
SIGNING = word_set("tech technologist technician radiographer sonographer mta mtra mtr")
DEGREES = word_set("md do mbbs mbchb phd frcr frcs facr rn rt bsrt dds dvm mrcp facc dmd np")
# what follows a label without being a person
NO_PERSON = (
    ROLES
    | ABBREVIATIONS
    | word_set(
        """
        a an and at by de for from in is no none not of on or the this to with was per und mit ohne
        et avec sans y con sin e com sem een met i z bez ve ile position name number id history
        left right bilateral chest abdomen pelvis brain skull contrast protocol technique routine
        normal portable supine prone upright standing scan series exam examination study request
        moved motion unable unwell refused comfortable anxious agitated weight height age sex male
        female child adult pregnant breath hold breathing artifact artefact comment comments report
        tolerated cooperative uncooperative claustrophobic injected positioned prep preparation
        """
    )
)
# labels of languages in which a word with a capital may also be a noun or begin a sentence
WITH_CAPITALS = word_set(
    """
    technologist radiographer sonographer mother father husband wife daughter guardian technik
    radiolog discussed spoke talked besprochen gesprochen
    """
)
# every word that can be a title, a label or a degree
LABEL_WORDS = (
    word_set("m per")
    | BY
    | TITLES
    | WEAK_TITLES
    | ACTIONS
    | SERVICES
    | LABELS_WITH_COLON
    | DEGREES
    | NAMED_VERBS
    | STAFF
    | CALLS
    | TOLD
    | TALKED
)
