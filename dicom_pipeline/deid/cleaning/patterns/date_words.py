"""Names of months in the languages of texts.

Belongs here: names and short names, as people write them in dates.
Does not belong here: the patterns of dates (date_patterns).

The names are facts of the languages, in the cases that dates need.
"""

from __future__ import annotations

import re
from unicodedata import normalize

from dicom_pipeline.deid.cleaning.text_tokens import word_set
from dicom_pipeline.deid.tokens import folded, lowered

_NAMES = """
january february march april may june july august september october november december
januar februar märz april mai juni juli august september oktober november dezember
jänner jaenner feber
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
januari februari maart april mei juni juli augustus september oktober november december
styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień
stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia
ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
januari februari mars april maj juni juli augusti september oktober november december
januar februar marts april maj juni juli august september oktober november december
leden únor březen duben květen červen červenec srpen září říjen listopad prosinec
ledna února března dubna května června července srpna září října listopadu prosince
január február marec apríl máj jún júl august september október november december
januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra
január február március április május június július augusztus szeptember október november december
tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu
joulukuu tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta
syyskuuta lokakuuta marraskuuta joulukuuta
ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie
januar februar mart april maj jun jul avgust septembar oktobar novembar decembar
siječanj veljača ožujak travanj svibanj lipanj srpanj kolovoz rujan listopad studeni prosinac
siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga prosinca
jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember
janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris novembris
decembris sausio vasario kovo balandžio gegužės birželio liepos rugpjūčio rugsėjo spalio lapkričio
gruodžio
январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь
января февраля марта апреля мая июня июля августа сентября октября ноября декабря
січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня
януари февруари март април май юни юли август септември октомври ноември декември
ιανουάριος φεβρουάριος μάρτιος απρίλιος μάιος ιούνιος ιούλιος αύγουστος σεπτέμβριος οκτώβριος
νοέμβριος δεκέμβριος
ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου
νοεμβρίου δεκεμβρίου
يناير فبراير مارس أبريل ابريل مايو يونيو يوليو أغسطس اغسطس سبتمبر أكتوبر اكتوبر نوفمبر ديسمبر
ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר
בינואר בפברואר במרץ באפריל במאי ביוני ביולי באוגוסט בספטמבר באוקטובר בנובמבר בדצמבר
มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม
जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर
januari februari maret april mei juni juli agustus september oktober november desember
"""
_SHORT_NAMES = """
jan feb mar apr may jun jul aug sep sept oct nov dec
jän mär mrz mai okt dez janv févr fév avr juil aoû déc ene abr ago dic
mag giu lug ott fev mrt mei sty kwi cze lip sie wrz paź gru şub ağu eyl
bře kvě čvn čvc zář říj lut oca haz
янв фев мар апр июн июл авг сен сент окт ноя дек
ιαν φεβ μαρ απρ μαϊ ιουν ιουλ αυγ σεπ οκτ νοε δεκ
"""
# those that are other words too: months only between a day and a year, as in 24out21
_AMBIGUOUS_SHORT_NAMES = "gen set out sub led úno dub srp lis pro nis tem eki kas ara μαι"


def _spellings(text: str) -> frozenset[str]:
    # capitals may lose an accent, or have it as a character of its own
    listed = [form for word in text.split() for form in (word, normalize("NFC", word.upper()))]
    words = {lowered(word) for word in listed}
    # the capital of the dotted i of Turkish becomes another letter in lower case
    dotless = {word.replace("\u0131", "i") for word in words}
    return frozenset(words | dotless | {folded(word) for word in words})


# Days that everybody knows, by names of several words that are allowed each; other names, such as
# Christmas, are no allowed words. Those that move with the year tell about as much.
_HOLIDAYS = """
    new year's eve|new years eve|new year's day|new years day|good friday|easter monday
    ash wednesday|boxing day|labor day|labour day|memorial day|veterans day|independence day
    fourth of july|4th of july|mother's day|mothers day|father's day|fathers day|valentine's day
    bank holiday|all saints day|all saints|all souls day|president's day|presidents day
    tag der arbeit|tag der einheit|tag der deutschen einheit|neujahrstag|heilige drei könige
    jour de l'an|nouvel an|fête nationale|fête du travail|jour des morts|lundi de pâques
    año nuevo|fin de año|día de reyes|dia de reyes|noche vieja|día de la madre|día del trabajo
    viernes santo|jueves santo|día de muertos|día de la constitución
    ano novo|véspera de ano novo|dia das mães|dia do trabalho|sexta-feira santa|dia de reis
    capo d'anno|ultimo dell'anno|festa del lavoro|festa della mamma|venerdì santo
    oud en nieuw|nieuwjaarsdag|goede vrijdag|tweede paasdag|dag van de arbeid
    nowy rok|wielki piątek|święto pracy|dzień matki|nový rok|velký pátek|svátek práce|den matek
    новый год|день победы|день труда|женский день|день матери|yeni yıl|yılbaşı|anneler günü
    nyårsafton|nyårsdagen|långfredagen|första maj|mors dag|nyttår|nytår|langfredag
"""
HOLIDAYS = frozenset(
    name.strip() for line in _HOLIDAYS.splitlines() for name in line.split("|") if name.strip()
)

UNSPACED_HOLIDAYS = word_set(
    """
    大晦日 元日 元旦 正月 敬老の日 成人の日 子供の日 春节 除夕 中秋节 中秋 国庆节 国庆 劳动节 清明节
    端午节 설날 추석 신정 어린이날 어버이날 광복절 개천절 한글날 현충일 삼일절
    """
)
# the last words of those with spaces
HOLIDAY_WORDS = frozenset(re.findall(r"[^\W\d_]+", name)[-1] for name in HOLIDAYS)

MONTH_NAMES = _spellings(_NAMES)
AMBIGUOUS_SHORT_MONTHS = _spellings(_AMBIGUOUS_SHORT_NAMES)
SHORT_MONTHS = _spellings(_SHORT_NAMES) - MONTH_NAMES - AMBIGUOUS_SHORT_MONTHS
