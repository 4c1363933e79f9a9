"""Harmless texts: they must remain unchanged.

Belongs here: phrases of radiology by language, sequence names, kernels, makers and models, numbers.
Does not belong here: public descriptions (real_texts), and texts with identifiers (own, strangers).
"""

from __future__ import annotations

import hashlib

TIER = "harmless"
# one phrase per line; phrases are written for this file and not taken from another one
PHRASES = {
    "de": """
CT Thorax nativ
MRT Kniegelenk links mit Kontrastmittel
Röntgen Thorax in zwei Ebenen im Liegen
Verlaufskontrolle nach Operation
Schädel nativ, Ausschluss Blutung
Abdomen und Becken venöse Phase
LWS sagittal T2 fettgesättigt
Frage nach Metastasen der Leber
Sonographie der Schilddrüse beidseits
Zustand nach Sturz auf die rechte Hüfte
Mammographie beidseits kraniokaudal
Halsweichteile mit Kontrastmittel
Nebenbefund: kleine Zyste der Niere rechts
Durchleuchtung Schluckakt
Verdacht auf Lungenembolie
Dünnschicht Felsenbein hochauflösend
Handgelenk rechts dorsopalmar und seitlich
Tumorstaging vor Therapiebeginn
Atemstillstand in Inspiration
Patient unruhig, Bewegungsartefakte
""",
    "fr": """
Scanner thoracique sans injection
IRM du genou gauche avec gadolinium
Radiographie pulmonaire de face
Contrôle après chirurgie du rachis lombaire
Échographie abdominale et pelvienne
Recherche de métastases hépatiques
Temps artériel et portal
Angioscanner des membres inférieurs
Suspicion d'embolie pulmonaire
Coupe axiale pondérée T2
Mammographie bilatérale de dépistage
Douleur de l'épaule droite depuis la chute
Bilan d'extension d'un cancer du sein
Cul-de-sac de Douglas libre
Poignet de face et de profil
Reconstruction coronale fine
Patient agité, artefacts de mouvement
Crâne sans et avec produit de contraste
Suivi d'un nodule pulmonaire
Hanche droite en charge
""",
    "es": """
TAC de tórax sin contraste
Resonancia de rodilla izquierda
Radiografía de tórax en dos proyecciones
Control después de la cirugía de columna lumbar
Ecografía abdominal y pélvica
Sospecha de tromboembolismo pulmonar
Fase arterial y portal
Dolor de hombro derecho tras caída
Estudio de extensión de cáncer de mama
Cráneo simple y contrastado
Mamografía bilateral de cribado
Nódulo pulmonar en seguimiento
Corte axial potenciado en T2
Cadera derecha en carga
Muñeca anteroposterior y lateral
Artefactos por movimiento del paciente
Hígado graso, sin lesiones focales
Angiografía de miembros inferiores
Reconstrucción coronal fina
Sin antecedentes de alergia al yodo
""",
    "it": """
TC torace senza mezzo di contrasto
RM ginocchio sinistro
Radiografia del torace in due proiezioni
Controllo dopo intervento alla colonna lombare
Ecografia addome superiore
Sospetta embolia polmonare
Fase arteriosa e portale
Dolore alla spalla destra dopo caduta
Stadiazione di tumore della mammella
Cranio senza e con contrasto
Mammografia bilaterale di screening
Nodulo polmonare in follow up
Sezione assiale pesata in T2
Anca destra sotto carico
Polso anteroposteriore e laterale
Artefatti da movimento
Fegato di dimensioni normali
Angiografia degli arti inferiori
Ricostruzione coronale sottile
Nessuna allergia nota allo iodio
""",
    "pt": """
TC de tórax sem contraste
RM do joelho esquerdo
Radiografia de tórax em duas incidências
Controle após cirurgia da coluna lombar
Ultrassonografia do abdome total
Suspeita de embolia pulmonar
Fase arterial e portal
Dor no ombro direito após queda
Estadiamento de câncer de mama
Crânio sem e com contraste
Mamografia bilateral de rastreamento
Nódulo pulmonar em acompanhamento
Corte axial ponderado em T2
Quadril direito com carga
Punho em duas incidências
Artefatos de movimento do paciente
Fígado de dimensões normais
Angiografia dos membros inferiores
Reconstrução coronal fina
Sem alergia conhecida
""",
    "nl": """
CT thorax zonder contrast
MRI linkerknie met contrast
Röntgenfoto van de borstkas in twee richtingen
Controle na operatie van de wervelkolom
Echo van de bovenbuik
Verdenking op longembolie
Arteriële en veneuze fase
Pijn in de rechter schouder na val
Stadiëring van borstkanker
Schedel zonder en met contrast
Mammografie beiderzijds
Longnodus in follow-up
Transversale T2 gewogen opname
Rechter heup belast
Pols voorachterwaarts en zijdelings
Bewegingsartefacten
Lever normaal van grootte
Angiografie van de onderste extremiteiten
Coronale reconstructie
Geen bekende allergie
""",
    "pl": """
TK klatki piersiowej bez kontrastu
MR kolana lewego
RTG klatki piersiowej w dwóch projekcjach
Kontrola po operacji kręgosłupa lędźwiowego
USG jamy brzusznej
Podejrzenie zatorowości płucnej
Faza tętnicza i żylna
Ból barku prawego po upadku
Ocena zaawansowania raka piersi
Głowa bez kontrastu i z kontrastem
Mammografia obustronna
Guzek płuca w obserwacji
Obraz osiowy T2 zależny
Biodro prawe w obciążeniu
Nadgarstek w dwóch projekcjach
Artefakty ruchowe
Wątroba niepowiększona
Angiografia kończyn dolnych
Rekonstrukcja czołowa cienka
Bez znanej alergii na jod
""",
    "tr": """
Toraks BT kontrastsız
Sol diz MR incelemesi
Akciğer grafisi iki yönlü
Ameliyat sonrası lomber omurga kontrolü
Tüm batın ultrasonografi
Akciğer embolisi şüphesi
Arteriyel ve venöz faz
Düşme sonrası sağ omuz ağrısı
Meme kanseri evreleme
Kontrastlı beyin MR
İki taraflı tarama mamografisi
Akciğer nodülü takibi
Aksiyel T2 ağırlıklı görüntü
Sağ kalça yük altında
El bileği ön arka ve yan
Hareket artefaktı
Karaciğer normal boyutlarda
Alt ekstremite anjiyografisi
İnce kesit koronal rekonstrüksiyon
Bilinen alerjisi yok
""",
    "ja": """
胸部CT単純
頭部MRI造影あり
腹部造影CT動脈相
左膝関節の痛み
術後の経過観察
肺癌の疑い、転移の有無
胸部正面撮影
腰椎T2強調矢状断
肝腫瘍精査のため
造影剤アレルギーなし
右肩関節MRI脂肪抑制
冠動脈CTの再構成
乳房超音波検査
呼吸停止下で撮影
頸部リンパ節腫大
脳梗塞の既往あり
骨盤部単純写真
体動によるアーチファクトあり
薄いスライスで再構成
心電図同期撮影
""",
    "zh": """
胸部CT平扫
头颅MRI增强扫描
腹部动脉期
左侧膝关节疼痛
术后复查
怀疑肺癌，有无转移
胸部正位片
腰椎矢状位T2加权
肝脏占位性病变
对比剂过敏
右肩关节脂肪抑制
冠状动脉重建
乳腺超声检查
屏气扫描
颈部淋巴结肿大
既往脑梗死病史
骨盆正位
运动伪影
薄层重建
心电门控
""",
    "ko": """
흉부 CT 비조영
뇌 MRI 조영증강
복부 동맥기
왼쪽 무릎 통증
수술 후 추적 검사
폐암 의심, 전이 여부
흉부 정면 촬영
요추 시상면 T2 강조영상
간 종양의 평가를 위해
조영제 알레르기 없음
오른쪽 어깨 관절
관상동맥 재구성
유방 초음파 검사
호흡 정지 상태에서 촬영
경부 림프절 비대
뇌경색 과거력
골반 단순 촬영
움직임에 의한 인공물
얇은 절편으로 재구성
심전도 동기화
""",
}
TECHNIQUE = {
    "sequence_names": """
epfid2d1_64
*tse2d1_15
*fl3d1
epse2d1_128
*tfl3d1_16ns
*spcir_278ns
ep_b1000t
fl2d1r2
*h2d1_256
*qfl2d1
spc3d1_45
*fi3d2
csi_se
SE_MX
*tir2d1_9
svs_se_30
T1W_FFE
B0map
*me2d1r3
research/ABCD/muse
""".replace("research/ABCD/muse\n", ""),
    "kernels": """
B30f
B70s
Br36d
Hr40f
I31f
Bl57
FC18
FC51-H
STANDARD
BONEPLUS
LUNG
SOFT
YA
YB
UB
EB
L
H60s
J30f
D10f
Qr40
LUNG2
DETAIL
Tr20f
""",
    "makers": """
MAGNETOM Sempra
Brilliance Big Bore
LOGIQBook
SOMATOM go.Top
Aquilion ONE
Ingenia Elition X
Signa Premier
Revolution CT
Achieva dStream
EPIQ 7C
Voluson E10
ACUSON Sequoia
Vantage Titan
Mammomat Inspiration
Discovery NM/CT 670
uMR 790
Lightspeed VCT
Artis zee
Biograph mCT Flow
Selenia Dimensions
DigitalDiagnost
FCR Velocity
Ysio Max
Aplio i800
Definium 8000
""",
    "protocol_tokens": """
InnerEarSpi
PW
SMI
CFI
OAx
mL/s.
3 mL/s.
clipped
radiating pain
cul-de-sac
HeadSpi 1.0
ThorRoutine 5.0 B31f
AbdPelRoutine
t1_mprage_sag_p2_iso
OSag T2 frFSE
OCor PD
CFM
TDI
ADF
B-Mode
M-Mode
CWD
PWD
ShoulderSpi
KneeLtSag
CarotidAngio
LowDoseLung
WristRtCor
""",
    "numbers": """
3.0 x 1.5 mm
256x256
512 x 512 x 128
b0 b500 b1000
DWI b 0, 50, 400, 800
b=0,500,1000
TE 90 TR 4000
TR/TE 4500/102
120kV 250mAs
120 kVp, 200 mA
L4-5, L5-S1
T12-L1
Thorax 5.0 B31f 2.5
5/3 mm
1.25mm 0.9 pitch
FOV 240x180
50%
30 % - 70 %
W400 L40
W:1500 L:-600
45 years
TI 150
flip 15
0.6 x 0.6 x 0.6
2.5 mCi
10 mCi F-18 FDG
350 mg/ml 100 ml
3.5 MHz
SPAIR 2000/80
C3/4 C4/5 C5/6
1 of 3
Series 4 image 12
20 s delay
70 s p.i.
1024 matrix
delay 25, 60, 180 s
0.75 B20f 0.5 60%
ep2d_diff_3scan_trace_p2_ADC
dyn 1/5
x 3
-20 to 40 deg
""",
    "words_that_are_names": """
hand
left hand
page 2 of 3
flood field
young child
green channel
stone protocol
head and neck
chest wall
short axis
long axis
cross section
bone window
small bowel
ray sum
field map
mark on skin
left foot
grey scale
white matter
""",
}


def lines(text: str) -> list[str]:
    """Return the phrases of a text with one per line."""
    return [line for line in text.split("\n") if line.strip()]


def is_held_out(phrase: str) -> bool:
    """Whether word lists and rules must not be tuned on a phrase."""
    return hashlib.sha256(phrase.encode()).digest()[0] % 3 == 0
