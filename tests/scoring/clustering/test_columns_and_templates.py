"""Columns, sales, forms, versions, results and judgments in many languages stay apart; reports of one event meet.

The site is two days old, and its other entries are in English.

Each case is a series that arrives among the entries of the sample edition. All texts are made up for this test.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations

import pytest

from aggregator.demo.edition import load
from aggregator.model import Config, Entry, Site
from scoring.engine import Engine
from scoring.relevance.model import load_prior

START = datetime(2026, 11, 18, 8, tzinfo=UTC)
"""The columns name this day."""

SERIES: dict[str, list[tuple[str, str, str, str]]] = {
    "exploited vulnerabilities": [
        (
            "a",
            "patch-desk",
            "Critical flaw in Lantern gateways exploited in attacks",
            "CVE-2026-25257 is an injection.",
        ),
        ("b", "vuln-page", "Critical flaw in Osprey servers exploited in attacks", "CVE-2026-5777 leaks memory."),
        ("c", "byte-post", "Critical flaw in Marten mail exploited in attacks", "CVE-2026-47812 runs code."),
        ("a", "net-page", "Attackers exploit Lantern flaw", "CVE-2026-25257 and CVE-2026-25258 need a patch."),
    ],
    "columns of a day": [
        ("a", "word-page", "Word of the day for November 18", "A word to learn."),
        ("b", "photo-page", "Photo of the day: November 18", "A heron at dawn."),
        ("c", "past-page", "On this day: November 18", "Events in history."),
        ("d", "sky-page", "Sky picture of the day: 2026 November 18", "A nebula."),
    ],
    "television": [
        ("a", "tele-one", "What's on TV tonight: Wednesday, November 18", "Our picks."),
        ("b", "tele-two", "What to watch tonight: the best shows, Wednesday November 18", "Our picks."),
        ("c", "tele-three", "Football on TV today: Wednesday, November 18 schedule", "Kick-off times and channels."),
    ],
    "threads": [
        ("a", "forum-a", "Daily Discussion Thread for November 18, 2026", "Your daily thread."),
        ("b", "forum-b", "Daily Recommendation Requests Thread - November 18, 2026", "Ask here."),
        ("c", "forum-c", "Daily Simple Questions Thread - November 18, 2026", "Welcome to the thread."),
    ],
    "one column of two sites": [
        ("a", "game-page", "Plume hints and answers for November 18, 2026", "Easy, medium and hard."),
        ("b", "game-page", "Gridlock hints and answers for November 18, 2026", "Nine rows."),
        ("a", "word-desk", "Today's Plume hints, answers for Wednesday, Nov. 18", "Help with all three boards."),
    ],
    "columns in Spanish": [
        ("a", "astros", "Horóscopo de hoy para Aries del 18 de noviembre de 2026", "Amor, salud y dinero."),
        ("b", "diario", "Horóscopo de hoy, miércoles 18 de noviembre: lo que dice tu signo", "Lo que viene."),
        ("c", "sorteos", "Lotería: resultados del sorteo de hoy, miércoles 18 de noviembre", "Comprobar números."),
    ],
    "columns in Portuguese": [
        ("a", "signos", "Horóscopo do dia: previsão para Áries nesta quarta, 18 de novembro", "Confira."),
        ("b", "signos", "Horóscopo do dia: previsão para Touro nesta quarta, 18 de novembro", "Confira."),
        ("c", "sorteios", "Sorteio: resultado do concurso 2940 desta quarta-feira, 18 de novembro", "Veja."),
    ],
    "columns in Russian": [
        ("a", "zvezdy", "Гороскоп на 18 ноября 2026 года для Овна", "Звёзды советуют не спешить."),
        ("b", "gazeta", "Гороскоп на сегодня, 18 ноября, для всех знаков", "Прогноз на день."),
        ("c", "kurs", "Курс валют на сегодня, 18 ноября", "Официальный курс."),
        ("d", "pogoda", "Погода на сегодня, 18 ноября: прогноз", "Ожидается снег."),
    ],
    "columns in Japanese": [
        ("a", "uranai", "【今日の運勢】11月18日 牡羊座のあなたへ", "ラッキーカラーは赤。"),
        ("b", "uranai", "【今日の運勢】11月18日 牡牛座のあなたへ", "ラッキーカラーは青。"),
        ("c", "hoshi", "12星座占いランキング 11月18日の1位は?", "今日の運勢。"),
    ],
    "sales in German": [
        ("a", "geraete", "Black Friday 2026: Die besten Angebote für Fernseher im Überblick", "Von 43 bis 75 Zoll."),
        ("b", "rechner", "Black Friday 2026: Die besten Laptop-Angebote", "Rechner mit Rabatt."),
        ("c", "klang", "Black Friday: Die besten Kopfhörer-Deals im Überblick", "Unter 100 Euro."),
        ("d", "haushalt", "Black-Friday-Angebote: Saugroboter im Preis gesenkt", "Mit Absaugstation."),
    ],
    "sales in French": [
        ("a", "ecrans", "Black Friday 2026 : les meilleures offres sur les téléviseurs", "Notre sélection."),
        ("b", "ordis", "Black Friday : les meilleures offres PC portables à ne pas manquer", "Des machines."),
        ("c", "sons", "Black Friday 2026 : les meilleurs casques audio en promotion", "Moins de 150 euros."),
    ],
    "sales in Japanese": [
        ("a", "gadget", "ブラックフライデー2026 テレビのおすすめセール情報まとめ", "4Kテレビがお買い得。"),
        ("b", "pasokon", "ブラックフライデー2026 ノートパソコンのおすすめセール情報", "ゲーミングPCも値下げ。"),
        ("c", "onkyo", "ブラックフライデー2026 ワイヤレスイヤホンのおすすめセール", "対応モデルが安い。"),
    ],
    "gifts": [
        ("a", "guide-a", "The Best Gifts for Coffee Lovers (2026)", "Grinders, kettles and beans."),
        ("b", "guide-b", "The Best Gifts for Gamers (2026)", "Headsets, chairs and games."),
        ("c", "guide-c", "The best gifts for kids who love science (2026)", "Kits and microscopes."),
    ],
    "filings": [
        (
            thing,
            "filings",
            f"8-K - {company} (000{number}) (Filer)",
            f"Filed: 2026-11-18 AccNo: 000{number}-26-000{n} Size: {n} KB Item 2.02: Results of Operations",
        )
        for thing, company, number, n in (
            ("a", "Velora Corp", 1234567, 220),
            ("b", "Karst Logistics Inc", 1987654, 190),
            ("c", "Pellucid Devices Inc", 1455555, 310),
        )
    ],
    "road works": [
        (
            thing,
            "roads",
            f"{road} between J{junction} and J{junction + 1} | {direction}",
            f"Location: The {road} between junctions J{junction} and J{junction + 1}. Status: Currently Active. "
            f"Return To Normal: Normal traffic is expected between {hour}:15 and {hour}:30 on 18 November 2026.",
        )
        for thing, road, direction, junction, hour in (
            ("a", "A14", "Eastbound", 31, 10),
            ("b", "M25", "Anticlockwise", 9, 11),
            ("c", "M6", "Northbound", 19, 12),
        )
    ],
    "results with takeaways": [
        ("a", "courts", "Lanterns 121, Kettles 107: Five takeaways", "A late run."),
        ("b", "courts", "Herons 113, Anvils 99: Five takeaways", "The home side pulls away."),
        ("c", "courts", "Kestrels 115, Tides 113: Five takeaways", "A last throw."),
    ],
    "patch releases of one program": [
        ("a", "kernels", "Quilln 6.17.8 stable kernel released", "Users must upgrade."),
        ("b", "kernels", "Quilln 6.12.58 stable kernel released", "Users must upgrade."),
        ("c", "forge", "Release v4.5.2 · tern/tern", "To get the code for v4.5.2, use fetch and checkout."),
        ("d", "forge", "Release v4.4.10 · tern/tern", "To get the code for v4.4.10, use fetch and checkout."),
    ],
    "one version of two programs": [
        ("a", "apps", "quillOS 26.2 beta 3 now available to developers", "What is new."),
        ("b", "apps", "Ternpad Lagoon 26.2 beta 3 now available to developers", "What is new."),
    ],
    "an update": [
        (
            "a",
            "paper",
            "Nordbygg wins the harbour tunnel contract in Aldersund",
            "Aldersund chose Nordbygg to build the tunnel for 3.1 billion, after two years of talks with bidders.",
        ),
        (
            "a",
            "paper",
            "UPDATE 1-Nordbygg wins the harbour tunnel contract in Aldersund",
            "Aldersund chose Nordbygg to build the tunnel for 3.1 billion, after two years of talks. Shares rose.",
        ),
    ],
    "police reports in German": [
        (
            "a",
            "blatt",
            "Polizei nimmt Verdächtigen nach Überfall auf Juwelier in Lindhausen fest",
            "Die Polizei hat am Dienstag einen 34-jährigen Mann festgenommen.",
        ),
        (
            "b",
            "kurier",
            "Polizei nimmt Verdächtige nach Einbruch in Museum in Marlitz fest",
            "Die Polizei hat am Dienstag eine 29-jährige Frau festgenommen.",
        ),
        (
            "c",
            "morgen",
            "Polizei sucht Zeugen nach Unfall mit Fahrerflucht in Eckerfeld",
            "Die Polizei bittet um Hinweise. Ein 12-jähriger Junge wurde verletzt.",
        ),
    ],
    "strikes in French": [
        (
            "a",
            "gazette",
            "Grève des contrôleurs aériens : un vol sur deux annulé jeudi à Orbeval",
            "Les syndicats appellent à la grève jeudi pour les salaires.",
        ),
        (
            "b",
            "lavoix",
            "Grève dans les transports : métro très perturbé jeudi à Verzon",
            "Les syndicats appellent à la grève jeudi pour les salaires.",
        ),
        (
            "c",
            "matin",
            "Grève des enseignants : des écoles fermées jeudi à Marlieu",
            "Les syndicats appellent à la grève jeudi contre les suppressions de postes.",
        ),
    ],
    "results in Spanish": [
        (
            "a",
            "diario",
            "Velora gana un 18 % más en el tercer trimestre y eleva sus previsiones",
            "La compañía Velora ingresó 4.200 millones de euros entre julio y septiembre.",
        ),
        (
            "a",
            "heraldo",
            "Velora eleva sus previsiones tras ganar un 18 % más",
            "Los ingresos de Velora alcanzan 4.200 millones de euros en el tercer trimestre.",
        ),
        (
            "b",
            "diario",
            "Ostrix gana un 11 % menos en el tercer trimestre y mantiene sus previsiones",
            "La compañía Ostrix ingresó 980 millones de euros entre julio y septiembre.",
        ),
        (
            "c",
            "correo",
            "Karst pierde 40 millones hasta septiembre y recorta sus previsiones",
            "La compañía atribuye las pérdidas del trimestre a la caída de las ventas.",
        ),
    ],
    "judgments in Russian": [
        (
            "a",
            "vestnik",
            "Верховный суд отменил приговор бывшему мэру Залесска",
            "Верховный суд направил дело бывшего мэра на новое рассмотрение.",
        ),
        (
            "a",
            "gazeta",
            "Приговор экс-мэру Залесска отменен Верховным судом",
            "Дело бывшего мэра Залесска направлено на новое рассмотрение.",
        ),
        (
            "b",
            "golos",
            "Верховный суд разрешил взыскать долг с наследников вкладчика",
            "Верховный суд направил дело о долге вкладчика на новое рассмотрение.",
        ),
        (
            "c",
            "utro",
            "Верховный суд оставил в силе штраф перевозчику Дорос",
            "Верховный суд отклонил жалобу компании на штраф.",
        ),
    ],
    "judgments in Japanese": [
        (
            "a",
            "shimbun",
            "最高裁、松浦市の補助金返還命令を取り消し",
            "最高裁判所は18日、市の上告を認める判決を言い渡した。",
        ),
        (
            "b",
            "keizai",
            "最高裁、同族会社の課税処分を適法と判断",
            "最高裁判所は18日、会社側の上告を棄却する判決を言い渡した。",
        ),
        (
            "c",
            "news",
            "最高裁、元社員の解雇を無効とする判決が確定",
            "最高裁判所は18日、会社側の上告を退ける決定をした。",
        ),
    ],
    "arrests in Italian": [
        (
            "a",
            "corriere",
            "Rapina in banca a Marsenno, arrestati due uomini",
            "I carabinieri hanno arrestato due uomini dopo la rapina di martedì.",
        ),
        (
            "b",
            "stampa",
            "Furto in gioielleria a Colverde, arrestata una donna",
            "I carabinieri hanno arrestato una donna dopo il furto di lunedì.",
        ),
        (
            "c",
            "giorno",
            "Truffa agli anziani a Pontaro, arrestati tre giovani",
            "I carabinieri hanno arrestato tre giovani dopo le denunce degli anziani.",
        ),
    ],
    "takeovers in Italian": [
        (
            "a",
            "corriere",
            "Velora acquista la catena di farmacie Sanor per 900 milioni",
            "L'operazione tra Velora e Sanor sarà conclusa entro marzo.",
        ),
        (
            "a",
            "gazzettino",
            "Farmacie, Velora compra Sanor",
            "Accordo da 900 milioni di euro per la catena di farmacie Sanor.",
        ),
        (
            "b",
            "stampa",
            "Ostrix acquista il produttore di caffè Moreni per 300 milioni",
            "L'operazione tra Ostrix e Moreni sarà conclusa entro giugno.",
        ),
    ],
    "results in Polish": [
        (
            "a",
            "gazeta",
            "Velora zwiększyła przychody w trzecim kwartale o 18 proc.",
            "Spółka Velora podała, że przychody wyniosły 4,2 mld zł.",
        ),
        (
            "a",
            "kurier",
            "Przychody spółki Velora wzrosły o 18 proc.",
            "W trzecim kwartale przychody Velora wyniosły 4,2 mld zł.",
        ),
        (
            "b",
            "dziennik",
            "Ostrix zwiększył przychody w trzecim kwartale o 11 proc.",
            "Spółka Ostrix podała, że przychody wyniosły 980 mln zł.",
        ),
        (
            "c",
            "kurier",
            "Karst zmniejszył stratę w trzecim kwartale",
            "Spółka Karst podała, że strata wyniosła 40 mln zł.",
        ),
    ],
    "floods in Portuguese": [
        (
            "a",
            "jornal",
            "Chuva forte alaga ruas e deixa 40 famílias desabrigadas em Tavira",
            "A Defesa Civil atende as famílias. A previsão é de mais chuva.",
        ),
        (
            "a",
            "correio",
            "Temporal em Tavira deixa 40 famílias fora de casa",
            "Ruas foram alagadas pela chuva forte, segundo a Defesa Civil de Tavira.",
        ),
        (
            "b",
            "folha",
            "Chuva forte derruba ponte e deixa comunidade isolada em Palmar",
            "A Defesa Civil levou alimentos. A previsão é de mais chuva.",
        ),
    ],
    "a piece with a corrected headline": [
        (
            "a",
            "paper",
            "Aldersund backs Nordbygg's harbour tunel, says mayor Ulla Brekke",
            "The mayor confirmed on Friday that Nordbygg will build the tunnel for 3.1 billion, after years of talks.",
        ),
        (
            "a",
            "paper",
            "Aldersund backs Nordbygg's harbour tunnel, says mayor Ulla Brekke",
            "The mayor confirmed on Friday that Nordbygg will build the tunnel for 3.1 billion, after years of talks.",
        ),
    ],
    "pieces above a constant summary": [
        (thing, "local", title, "Local news, weather and sport from Aldersund and the towns of the harbour district.")
        for thing, title in (
            ("a", "Bakers of Aldersund strike over ovens"),
            ("b", "Ferry to Sandnoy is cancelled again"),
            ("c", "Choir opens the Aldersund harbour festival"),
            ("d", "Two held after theft in Aldersund harbour"),
        )
    ],
    "versions above a constant summary": [
        (thing, "kernels", title, "Quilln is a kernel. All users of this stable series must upgrade to this release.")
        for thing, title in (("a", "Quilln stable kernel 6.17.8"), ("b", "Quilln stable kernel 6.12.58"))
    ],
}


@cache
def edition() -> list[Entry]:
    """Return the entries of the sample edition before the series begins."""
    return [
        Entry(
            10_000 + number,
            article.source,
            article.id,
            f"https://{article.source}.example/{number}",
            article.title,
            article.summary,
            first_seen_at=article.released_at,
            published_at=article.released_at,
        )
        for number, article in enumerate(load().articles)
        if article.released_at < START
    ]


@pytest.mark.parametrize("name", SERIES)
def test_things_of_a_series_stay_apart_and_reports_of_one_meet(name: str) -> None:
    rows = SERIES[name]
    engine = Engine(Config(Site(), (), ()), load_prior())
    for entry in sorted(edition(), key=lambda entry: entry.first_seen_at):
        engine.step([entry], entry.first_seen_at)
    story_of: dict[int, int] = {}
    for number, (_, source, title, summary) in enumerate(rows):
        at = START + timedelta(minutes=10 * number)
        link = f"https://{source}.example/{number}"
        entry = Entry(number + 1, source, str(number), link, title, summary, first_seen_at=at, published_at=at)
        for membership in engine.step([entry], at).memberships:
            story_of[membership.entry_id] = membership.story_id
    for (n, a), (m, b) in combinations(enumerate(rows, start=1), 2):
        assert (story_of[n] == story_of[m]) == (a[0] == b[0]), (a[2], b[2])
