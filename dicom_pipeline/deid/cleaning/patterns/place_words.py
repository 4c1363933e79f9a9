"""Words in the names of institutions and in addresses.

Belongs here: lists of words, in lower case.
Does not belong here: the patterns and searches that use them (place_patterns, own_search).
"""

from __future__ import annotations

from dicom_pipeline.deid.cleaning.text_tokens import word_set

# words for an institution: a name stands before or after them
INSTITUTIONS = word_set(
    """
    hospital hospitals clinic clinics infirmary hospice sanatorium sanitarium medcenter healthcare
    klinik kliniken klinikum krankenhaus spital praxis hôpital hopital clinique polyclinique chu
    clínica clinica hospitales sanatorio ospedale policlinico clínicas hospitais ziekenhuis
    szpital klinika poliklinika hastanesi hastane sygehus sjukhus sairaala nemocnice kórház spitalul
    """
)
# those of languages in which the name stands first
INSTITUTIONS_AFTER_NAMES = word_set(
    "hospital hospitals clinic clinics infirmary hospice sanatorium sanitarium medcenter klinik"
    " kliniken klinikum krankenhaus spital hastanesi ziekenhuis sygehus sjukhus sairaala"
)
# words in such a name that identify nobody
GENERIC_PLACES = INSTITUTIONS | word_set(
    """
    a an and at by de del der des die do du e el en et for für i im in la le les los of on the to
    u und van von y z center centre centers centro centrum zentrum medical medicine medizin imaging
    image images radiology radiologie radiologia radiología radiologiczny diagnostic diagnostics
    diagnostik diagnostyka department dept abteilung institute institut instituto istituto
    university universität universitäts universitaire universitario universitaria uniwersytecki
    body head
    general regional community national central county city district state federal municipal
    military veterans private public outside local referring other another previous same old new
    this that our any north south east west northern southern eastern western main children
    childrens pediatric paediatric women womens men adult mobile day teaching memorial health
    care group associates services service practice surgery surgical emergency trauma urgent
    cancer heart cardiac cardiology chest lung breast eye bone joint spine ortho orthopaedic
    orthopedic orthopedics neuro neurology brain pain dental ear skin kidney liver stroke vascular
    fertility pregnancy maternity obstetric obstetrics gynecology oncology radiotherapy tumor tumour
    fracture rehab rehabilitation sleep sports travel walk specialty specialist animal veterinary
    mental psychiatric nuclear ultrasound mri ct mr pet us xray x ray mammo mammography angio room
    ward unit scanner screening research trial study clinical patient patients from
    uni kinder frauen augen haut unfall herz lungen tier zahn hals nasen ohren
    """
)
# prepositions before the name of a place
BEFORE_PLACES = word_set(
    "at from bei aus von vom nach chez à au del desde da dal presso z ze w we bij te uit vid från"
)
# an address follows
ADDRESS_LABELS = word_set(
    """
    address addr residence resident resides residing lives adresse anschrift wohnhaft wohnt wohnort
    adresses domicile domicilié domiciliée dirección direccion domicilio residente reside vive
    indirizzo residenza residente domiciliato endereço endereco morada mora adres woonplaats
    woonachtig wonende zamieszkały zamieszkała zam ikamet ikametgah adresi oturuyor адрес
    проживает прописан прописана bydliště adresa bytem adress bostad bor bopæl boende osoite asuu
    lakcím lakik cím domiciliu διεύθυνση κάτοικος 住所 地址 주소 거주지
    """
)
# kinds of streets that are no abbreviation in imaging, after the name
STREETS_AFTER = word_set(
    """
    street road avenue lane drive boulevard highway terrace crescent parkway turnpike close mews
    rd ave blvd hwy pkwy
    """
)
# ... and before it
STREETS_BEFORE = word_set(
    """
    rue avenue boulevard chemin impasse allée allee via viale piazza corso vicolo calle avenida
    plaza paseo carrera rua travessa alameda ulica aleja aleje plac
    """
)
