"""The names of months in the languages that feeds are written in, as dates spell them.

Full names (in the case that a date needs) and the usual abbreviations, in lower case, January first; `|` parts
the spellings of one month. From the Unicode CLDR's tables; where two languages disagree on a word, `_BY_LANGUAGE` has
the exception. What is in none of these languages is left to dateparser.
"""

from __future__ import annotations

_TABLE = {
    "en": "january|jan february|feb march|mar april|apr may june|jun july|jul august|aug september|sep|sept "
    "october|oct november|nov december|dec",
    "de": "januar|jänner|jän februar|feber märz|mär|mrz|maerz april mai juni juli august september oktober|okt "
    "november dezember|dez",
    "fr": "janvier|janv février|fevrier|févr|fév mars avril|avr mai juin juillet|juil août|aout septembre octobre "
    "novembre décembre|decembre|déc",
    "es": "enero|ene febrero marzo abril|abr mayo junio julio agosto|ago septiembre|setiembre|set octubre noviembre "
    "diciembre|dic",
    "it": "gennaio|gen febbraio|febbr marzo aprile maggio|mag giugno|giu luglio|lug agosto settembre|sett "
    "ottobre|ott novembre dicembre",
    "pt": "janeiro fevereiro|fev março|marco abril maio junho julho agosto setembro outubro|out novembro dezembro",
    "ca": "gener febrer març abril|abr maig juny juliol agost setembre octubre novembre desembre|des",
    "gl": "xaneiro|xan febreiro marzo abril maio xuño xullo agosto setembro outubro novembro decembro",
    "nl": "januari februari maart|mrt april mei juni juli augustus september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "nb": "januar februar mars april mai juni juli august september oktober november desember",
    "is": "janúar febrúar mars apríl maí júní júlí ágúst september október nóvember|nóv desember",
    "fi": "tammikuuta|tammikuu|tammi|tammik helmikuuta|helmikuu|helmi|helmik maaliskuuta|maaliskuu|maalis|maalisk "
    "huhtikuuta|huhtikuu|huhti|huhtik toukokuuta|toukokuu|touko|toukok kesäkuuta|kesäkuu|kesä|kesäk "
    "heinäkuuta|heinäkuu|heinä|heinäk elokuuta|elokuu|elo|elok syyskuuta|syyskuu|syys|syysk "
    "lokakuuta|lokakuu|loka|lokak marraskuuta|marraskuu|marras|marrask joulukuuta|joulukuu|joulu|jouluk",
    "et": "jaanuar|jaan veebruar|veebr märts aprill mai juuni juuli august september oktoober november detsember|dets",
    "lv": "janvāris|janvārī februāris|februārī marts|martā aprīlis|aprīlī maijs|maijā jūnijs|jūnijā jūlijs|jūlijā "
    "augusts|augustā septembris|septembrī oktobris|oktobrī novembris|novembrī decembris|decembrī",
    "lt": "sausio|sausis|saus vasario|vasaris|vas kovo|kovas|kov balandžio|balandis|bal gegužės|gegužė|geg "
    "birželio|birželis|birž liepos|liepa|liep rugpjūčio|rugpjūtis|rugp rugsėjo|rugsėjis|rugs "
    "spalio|spalis|spal lapkričio|lapkritis|lapkr gruodžio|gruodis|gruod",
    "pl": "stycznia|styczeń|sty lutego|luty|lut marca|marzec kwietnia|kwiecień|kwi maja|maj czerwca|czerwiec|cze "
    "lipca|lipiec|lip sierpnia|sierpień|sie września|wrzesień|wrz października|październik|paź "
    "listopada|listopad|lis grudnia|grudzień|gru",
    "cs": "ledna|leden|led února|únor|úno března|březen|bře dubna|duben|dub května|květen|kvě června|červen|čvn "
    "července|červenec|čvc srpna|srpen|srp září|zář října|říjen|říj listopadu|listopad|lis "
    "prosince|prosinec|pro",
    "sk": "januára|január februára|február marca|marec apríla|apríl mája|máj júna|jún júla|júl augusta|august "
    "septembra|september októbra|október novembra|november decembra|december",
    "sl": "januarja|januar februarja|februar marca|marec aprila|april maja|maj junija|junij julija|julij "
    "avgusta|avgust|avg septembra|september oktobra|oktober novembra|november decembra|december",
    "hr": "siječnja|siječanj|sij veljače|veljača|velj ožujka|ožujak|ožu travnja|travanj|tra svibnja|svibanj|svi "
    "lipnja|lipanj srpnja|srpanj kolovoza|kolovoz|kol rujna|rujan|ruj - studenoga|studenog|studeni|stu "
    "prosinca|prosinac",
    "sr": "januara|januar|јануара|јануар|јан februara|februar|фебруара|фебруар|феб marta|mart|марта|март|мар "
    "aprila|april|априла|април|апр maja|maj|маја|мај juna|jun|јуна|јун jula|jul|јула|јул "
    "avgusta|avgust|августа|август|авг septembra|septembar|септембра|септембар|септ|сеп "
    "oktobra|oktobar|октобра|октобар|окт novembra|novembar|новембра|новембар|нов "
    "decembra|decembar|децембра|децембар|дец",
    "hu": "január február|febr március|márc április|ápr május|máj június|jún július|júl augusztus szeptember|szept "
    "október|okt november december",
    "ro": "ianuarie|ian februarie martie aprilie mai iunie|iun iulie|iul august septembrie octombrie "
    "noiembrie|noi|noiem decembrie",
    "sq": "janar shkurt|shk mars prill|pri maj qershor|qer korrik|kor gusht|gush shtator|sht tetor|tet nëntor|nën "
    "dhjetor|dhj",
    "tr": "ocak|oca şubat|şub mart nisan|nis mayıs haziran|haz temmuz|tem ağustos|ağu eylül|eyl ekim|eki kasım|kas "
    "aralık|ara",
    "az": "yanvar|yan fevral mart aprel may iyun iyul avqust|avq sentyabr|sen oktyabr noyabr|noy dekabr|dek",
    "ru": "января|январь|янв февраля|февраль|февр|фев марта|март|мар апреля|апрель|апр мая|май июня|июнь|июн "
    "июля|июль|июл августа|август|авг сентября|сентябрь|сент|сен октября|октябрь|окт ноября|ноябрь|нояб|ноя "
    "декабря|декабрь|дек",
    "uk": "січня|січень|січ лютого|лютий|лют березня|березень|бер квітня|квітень|квіт|кві травня|травень|трав|тра "
    "червня|червень|черв|чер липня|липень|лип серпня|серпень|серп|сер вересня|вересень|вер "
    "жовтня|жовтень|жовт|жов листопада|листопад|лист|лис грудня|грудень|груд|гру",
    "be": "студзеня|студзень лютага сакавіка|сакавік красавіка|красавік траўня|мая чэрвеня|чэрвень ліпеня|ліпень "
    "жніўня|жнівень верасня|верасень кастрычніка|кастрычнік лістапада|лістапад снежня|снежань",
    "bg": "януари|яну февруари март април|апр май юни|юн юли|юл август|авг септември|сеп октомври|окт ноември|ное "
    "декември|дек",
    "el": "ιανουαρίου|ιανουάριος|ιαν φεβρουαρίου|φεβρουάριος|φεβ μαρτίου|μάρτιος|μαρ απριλίου|απρίλιος|απρ "
    "μαΐου|μάιος|μαΐ|μαϊ|μαι ιουνίου|ιούνιος|ιουν ιουλίου|ιούλιος|ιουλ αυγούστου|αύγουστος|αυγ "
    "σεπτεμβρίου|σεπτέμβριος|σεπ οκτωβρίου|οκτώβριος|οκτ νοεμβρίου|νοέμβριος|νοε δεκεμβρίου|δεκέμβριος|δεκ",
    "id": "januari februari maret april mei juni juli agustus|agt september oktober november|nop|nopember desember",
    "ms": "januari februari mac april mei jun julai ogos|ogo september oktober november disember|dis",
    "tl": "enero pebrero|peb marso abril mayo hunyo|hun hulyo|hul agosto setyembre|set oktubre nobyembre|nob "
    "disyembre|dis",
    "ar": "يناير|كانون فبراير|شباط مارس|آذار أبريل|ابريل|إبريل|نيسان مايو|أيار يونيو|يونيه|حزيران يوليو|يوليه|تموز "
    "أغسطس|اغسطس|آب سبتمبر|أيلول أكتوبر|اكتوبر نوفمبر ديسمبر",
    "he": "ינואר|בינואר פברואר|בפברואר מרץ|במרץ|מרס|במרס אפריל|באפריל מאי|במאי יוני|ביוני יולי|ביולי אוגוסט|באוגוסט "
    "ספטמבר|בספטמבר אוקטובר|באוקטובר נובמבר|בנובמבר דצמבר|בדצמבר",
    "fa": "ژانویه فوریه مارس آوریل مه ژوئن ژوئیه|جولای اوت|آگوست سپتامبر اکتبر نوامبر دسامبر",
    "hi": "जनवरी|जन फ़रवरी|फरवरी|फ़र मार्च अप्रैल मई जून जुलाई|जुल अगस्त|अग सितंबर|सितम्बर|सित "
    "अक्तूबर|अक्टूबर|अक्तू नवंबर|नवम्बर|नव दिसंबर|दिसम्बर|दिस",
    "bn": "জানুয়ারি|জানুয়ারী ফেব্রুয়ারি|ফেব্রুয়ারী মার্চ এপ্রিল মে জুন জুলাই আগস্ট সেপ্টেম্বর অক্টোবর নভেম্বর ডিসেম্বর",
    "th": "มกราคม|ม.ค กุมภาพันธ์|ก.พ มีนาคม|มี.ค เมษายน|เม.ย พฤษภาคม|พ.ค มิถุนายน|มิ.ย กรกฎาคม|ก.ค สิงหาคม|ส.ค "
    "กันยายน|ก.ย ตุลาคม|ต.ค พฤศจิกายน|พ.ย ธันวาคม|ธ.ค",
    "eu": "urtarrilak|urtarrilaren otsailak|otsailaren martxoak|martxoaren apirilak|apirilaren maiatzak|maiatzaren "
    "ekainak|ekainaren uztailak|uztailaren abuztuak|abuztuaren irailak|irailaren urriak|urriaren "
    "azaroak|azaroaren abenduak|abenduaren",
    "cy": "ionawr chwefror mawrth ebrill mai mehefin gorffennaf awst medi hydref tachwedd rhagfyr",
    "ga": "eanáir feabhra márta aibreán bealtaine meitheamh iúil lúnasa - - samhain nollaig",
}
_BY_LANGUAGE = {"hr": {"listopada": 10, "listopad": 10, "lis": 10}}
_NO_NAMES = frozenset(("-", "كانون"))
"""A gap in a row, and a word that is half of a name."""


def _months() -> dict[str, int]:
    months: dict[str, int] = {}
    clashing: set[str] = set()
    for row in _TABLE.values():
        for number, spellings in enumerate(row.split(" "), 1):
            for spelling in spellings.split("|"):
                if months.setdefault(spelling, number) != number:
                    clashing.add(spelling)
    return {name: number for name, number in months.items() if name not in clashing and name not in _NO_NAMES}


MONTHS = _months()
"""The number of each name that means one month in all of the languages."""


def month_of(word: str, language: str = "") -> int:
    """Return the month (1 to 12) that *word*, in lower case, names in a feed of that *language*; 0 for none."""
    word = word.rstrip(".")
    exceptions = _BY_LANGUAGE.get(language.partition("-")[0])
    if exceptions and word in exceptions:
        return exceptions[word]
    return MONTHS.get(word, 0)


class OtherLanguages:
    """Finds months in a language that is not in the tables, by dateparser, for one document.

    dateparser takes half a second to import, 30 MB, and 10 ms to find that a word names no month in 200 languages. So
    each wording is looked up once, with another day in place of its own, and a document gets `MAX_WORDINGS` of them.
    """

    MAX_WORDINGS = 16

    def __init__(self) -> None:
        self._months: dict[str, int] = {}

    def month(self, tokens: list[str], language: str = "") -> int:
        """Return the month that *tokens*, a date with two numbers, names; ValueError if none is found."""
        if language.partition("-")[0].lower() in _TABLE:
            raise ValueError("no month of that language")
        wording = " ".join(_PROBE[len(token) > 2] if token.isdecimal() else token for token in tokens)
        if len(wording) > MAX_WORDING_CHARS or not any(len(token) > 2 and token[0].isalpha() for token in tokens):
            raise ValueError("no name of a month")
        if wording not in self._months:
            if len(self._months) >= self.MAX_WORDINGS:
                raise ValueError("too many unknown wordings in one document")
            self._months[wording] = _by_dateparser(wording)
        return self._months[wording] or _no_month()


MAX_WORDING_CHARS = 60
_PROBE = ("15", "2024")
"""The day and the year that are put in place of those of a date."""


def _by_dateparser(wording: str) -> int:
    import dateparser  # see `OtherLanguages`

    settings = {
        "PARSERS": ["absolute-time"],
        "REQUIRE_PARTS": ["day", "month", "year"],
        "STRICT_PARSING": True,
        "DATE_ORDER": "DMY",
        "TIMEZONE": "UTC",
    }
    moment = dateparser.parse(wording, settings=settings)
    # It skips what it does not know in some languages, so the whole result is compared.
    if moment is None or (moment.day, moment.year, moment.hour, moment.minute) != (15, 2024, 0, 0):
        return 0
    return int(moment.month)


def _no_month() -> int:
    raise ValueError("no month in any language")
