"""Words in names, places and roles that do not identify a person.

Belongs here: lists of words, in lower case.
Does not belong here: conversion of values to terms (identity_terms), and words that texts may keep
(the dbt seeds).
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# not a name in any component
TITLES = _words("dr prof mr mrs ms phd md jr sr")

# forms of address and degrees. Some (Ma, Major, Miss) are also family names, so they are skipped
# only in a name's prefix and suffix
AFFIXES = TITLES | _words(
    """
    ba bs bsc ma msc mba mdiv mbbs mbchb do rn rt np pa dds dmd dvm esq fracr frcr frcs mrcp facr
    facs pharmd hon rev fr pastor rabbi sir lady lord dame miss master major captain capt col
    lt sgt gen doctor professor med nat rer habil univ priv doz dipl ing herr frau mme mlle sra
    srta don senior junior ii iii iv
    """
)

# words in place of the name of a person
ROLES = _words(
    """
    admin administrator anonym anonymised anonymized anonymous assigned assistant attending
    available biomed blank clinic clinical clinician consultant consulting default department
    dept doctor doctors dosimetrist emergency engineer external fellow generic group guest hospital
    imaging internal intern interventional medical medicine missing name nil none noname not null
    nurse nursing oper operator operators oncologist oncology outpatient outside
    pacs performing physician physicians physicist physics practitioner professor radiation
    radiographer radiologist radiologists radiology reader reading referring registrar
    requesting research resident reviewer role room rotating scanner scheduled self service
    sonographer staff station student super support supervisor surgeon surgery surgical
    system team tech techn technician technicians technologist technologists test trainee
    unassigned unbekannt undefined unknown unspecified user unnamed various workstation
    angio angiography bmd cath cbct cardiology cardiologist ctscan dexa dsa ecg eeg emg fluoro
    fluoroscopy ivus mammo mammogram mammography mri mrt nucmed nuclear oct pet petct petmr
    arzt mta mtra radiotherapy rtstruct sono spect tomo ultrasound xray
    """
)

# optional in acronyms: Hospital of the Holy Ghost is both HOTHG and HHG
CONNECTORS = _words(
    """
    a af al am an and at auf aus bei by d da das de del della der des di die do dos du e el en et
    for fuer für i im in l la las le les los och of og on the to u und van vom von voor y zu zum
    zur
    """
)

# abbreviations in imaging: equal initials do not identify a person, except in a signature.
# In this order: modalities and views; words in capitals in public descriptions of at least ten
# collections (tuning part; of two-letter ones only words and procedures); short words, scores
# (BI-RADS), a vendor and related sequences
ABBREVIATIONS = _words(
    """
    ct mr us pt nm cr dx dr mg rf xa px io ot sc ap pa ll rl lr lt rt ax tr te ti fa ta sl pd fs
    se ge ir vr hu kv ma ms mm cm cc ml hp hr hd ce iv im pv la ra lv rv ao gi gu wo wb gd fb ac hi
    cd tc rm sn
    adc asl irm cad cor cta dsa dwi epi fov fse gre ivc lad lao lat lcx mip mlo mpr mra mri mrv obl
    pet rao rca roi sag sma stir suv svc swi tof tra tse
    bh in no or pe ss st to
    abd and art cap con dce dyn fat fdg for gad loc low mid min nac new non out pel pre res sat sec
    spo std sub til tsa tsb tsc ven
    aimi asir body bone cont ctac ffpe lava left lung mips mrcp neck only post scan soft spgr stnd
    test thin vibe with
    an as at be by do id if is it of on so up bi pi ph
    bffe btfe ffe haste space tfe tfl
    """
)
