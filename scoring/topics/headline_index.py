"""Index the headlines of the last days by term and time.

Knows what a term of a headline is. Leaves which terms rise to `rising`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from aggregator.text.tokens import words
from scoring.language.terms import STOP_WORDS

# Observed at the head of the list: days and months, wording that newsrooms put around any headline ("live
# updates", "watch:", "everything you need to know"), bare numbers and years.
# Rule: no term contains such a word; a number alone is no term, but "iphone 15" is.
# Known errors: "March" (a march on Washington), "May" (a minister), "Sun" is kept though it is a paper too.
_FRAME = frozenset(
    """
    monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat weekday weekend today
    tonight tomorrow yesterday morning evening afternoon night midnight noon hour hours day days week weeks
    month months year years daily weekly january february march april may june july august september october
    november december jan feb mar apr jun jul aug sep sept oct nov dec montag dienstag mittwoch donnerstag
    freitag samstag sonntag heute gestern morgen lundi mardi mercredi jeudi vendredi samedi dimanche hier
    aujourdhui demain janvier fevrier avril juin juillet aout octobre novembre decembre lunes martes miercoles
    jueves viernes sabado domingo hoy ayer понедельник вторник среда четверг пятница суббота воскресенье сегодня
    вчера завтра news live update updates updated latest breaking watch video videos photo photos picture
    pictures pics gallery read story stories headline headlines report reports reported reporter exclusive
    opinion editorial analysis explainer explained explains interview podcast newsletter review reviews roundup
    recap preview guide briefing digest transcript top best worst new first last next old big biggest things
    thing everything everyone know need needs full key way ways tips list one two three four five six seven
    eight nine ten many much people man men woman women show shows get gets got make makes made take takes come
    comes coming go goes going see sees look looks like want wants set sets find finds found call calls called
    calling reveal reveals revealed tell tells told back home good great here time times use used using help
    helps work works give gives keep keeps put puts ahead amid despite still even since every another really
    ever never may could would advertisement sponsored subscribe announced announces announce announcement
    launch launches launched warns warn urges says face faces add adds start starts end ends
    sue sues sued suing order orders ordered unveil unveils unveiled introduce introduces introducing buys cuts cut bans
    hits hit wins win loses eyes seeks backs joins hires fires leaves opens closes brings bring turns turn moves pushes
    expands rolls rolling drops drop kills blocks delays accuses agrees approves raises debuts ships builds offers
    offer becomes become becoming lets let letting stop stops think thinks thinking testing threatens suspends pauses
    resigns cancels slips confirms defends apologizes apologises rejects pulls quits denies vows slams blasts
    pledges halts scraps axes secures nears hails hold holds opt opts dies died asks admits insists refuses fears hopes
    sparks passes
    """.split()  # noqa: SIM905 - a list of three hundred strings is no easier to read
)

# Observed at the head of lists about AI and technology: "AI", "agent", "model", "CEO", "AI-powered", "app", "sale".
# Rule: such a word names nothing alone, nor with another of them; "Meta AI" and "model collapse" do.
GENERIC = frozenset(
    """
    ai artificial intelligence llm llms agent agents agentic model models app apps application applications bot bots
    chatbot chatbots tool tools tech technology technologies software hardware platform platforms product products
    device devices service services feature features system systems version versions data code coding open source
    access search voice video image images assistant assistants powered smart digital online web internet company
    companies firm firms startup startups ceo ceos cto co cofounder founder founders exec execs executive boss chief
    employee employees staff worker workers user users customer customers developer developers team teams business
    businesses industry market markets deal deals sale sales price prices discount discounts low lowest cheap free paid
    million millions billion billions trillion percent cent stock stocks share shares funding investor investors
    ex former rival rivals major massive huge real right wrong better worse more less available finally getting
    actually soon ready possible winner winners loser chaos problem problems question questions answer answers reason
    reasons idea ideas plan plans project projects future change changes life world global local national country
    countries government official officials public private people person kids child children family power control
    study research researcher researchers expert experts scientist scientists paper test tests result results
    record level high higher rise rises risk risks threat threats issue issues case cases area areas early earlier
    late later once again away around across behind inside outside without within between before after during like
    likely support mode content portable surprise opt social network networks
    event events game games play player players speaker speakers phone phones laptop laptops screen api apis
    """.split()  # noqa: SIM905 - as above
)

# Observed: "European" rises with three reports on the European Commission, a fund and a car maker; "US" with any four.
# Rule: as `GENERIC`: a nationality, or "US", "UK" and "EU", names nothing alone; "European Commission" and "EU AI Act"
# are topics.
NATIONALITIES = frozenset(
    """
    african africans american americans arab arabs asian asians australian australians austrian belgian brazilian brit
    british britons canadian canadians chinese czech danish dutch egyptian european europeans finnish french german
    germans greek hungarian indian indians indonesian iranian iraqi irish israeli israelis italian italians japanese
    kenyan korean koreans latin malaysian mexican nigerian norwegian pakistani palestinian palestinians polish
    portuguese romanian russian russians saudi scottish spanish swedish swiss syrian taiwanese thai turkish ukrainian
    ukrainians vietnamese welsh western us usa uk eu
    """.split()  # noqa: SIM905 - as above
)

# The same in Chinese, whose text has no spaces: names are what is left without these words.
GENERIC_UNSPACED = frozenset(
    """
    人工智能 机器人 开发者 投资者 工程师 程序员 第一季度 公司 企业 行业 产业 市场 技术 科技 模型 智能 机器
    数据 功能 需求 能力 表现 估值 协议 项目 产品 平台 用户 客户 员工 团队 岗位 投资 投入 融资 基金 指数 股价
    财报 升级 更新 提交 推出 发布 宣布 启动 构建 建设 研发 开始 出现 发现 使用 面向 关于 考虑 可能 正式 首次
    最新 全新 最大 最值 终于 大幅 目标 提示 文件 世界 全球 我们 什么 个月 美元 亿美 万亿 亿元 远程 转向 冲击
    暂停 呼吁 暴露 凸显 领域 应用 服务 系统 工具 方案 计划 问题 风险 研究 报告 消息 新闻 支持 提供 体验 相关
    完成 没有 有人 未来 背后 任务 引发 推动
    """.split()  # noqa: SIM905 - as above
)

# Rule: no pair of characters with one of these is a term. Known errors: names that contain one, such as 于谦.
_PARTICLES = frozenset("的了在是与及被把们于将让也都而且就已")

PAIR = " "


@lru_cache(maxsize=8_192)
def headline_terms(title: str) -> tuple[str, ...]:
    """Return the distinct terms of a headline: content words, and pairs of neighboring content words.

    Words are not stemmed: what is shown is what sources wrote. Sorted.

    >>> headline_terms("Watch: George Floyd's brother speaks on Tuesday")
    ('brother', 'brother speaks', 'floyd', 'floyd brother', 'george', 'george floyd', 'speaks')
    """
    tokens = [word if is_telling(word) else None for word in words(title)]
    term = {word for word in tokens if word is not None and not word[0].isdigit()}
    term |= {
        first + PAIR + second
        for first, second in pairwise(tokens)
        if first is not None and second is not None and not (first[0].isdigit() and second[0].isdigit())
    }
    return tuple(sorted(term))


def is_telling(word: str) -> bool:
    return len(word) > 1 and word not in STOP_WORDS and word not in _FRAME and _PARTICLES.isdisjoint(word)


class Headlines:
    """The headlines of the last days, by term and time.

    Entries are added in order of arrival. Every query names its moment and uses only what had arrived by then, so later
    entries do not change the answer.
    """

    def __init__(self) -> None:
        self._arrived: list[float] = []
        self._published: list[float] = []
        self._voices: list[str] = []
        self._titles: list[str] = []
        self._ids: list[int] = []
        self._place: dict[int, int] = {}
        self._gone = 0
        """Entries dropped so far; entry numbers include them."""
        self._numbers_of: defaultdict[str, list[int]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._arrived)

    def add(self, entry_id: int, title: str, voice: str, arrived_at: datetime, published_at: datetime) -> None:
        """Add an entry; it arrives no earlier than the one before."""
        number = self._gone + len(self._arrived)
        self._arrived.append(arrived_at.timestamp())
        self._published.append(published_at.timestamp())
        self._voices.append(voice)
        self._titles.append(title)
        self._ids.append(entry_id)
        self._place[entry_id] = number
        for term in headline_terms(title):
            self._numbers_of[term].append(number)

    def edit(self, entry_id: int, title: str) -> None:
        """Update a headline; entries dropped from the index are ignored."""
        number = self._place.get(entry_id)
        if number is None:
            return
        before = headline_terms(self._titles[number - self._gone])
        self._titles[number - self._gone] = title
        after = headline_terms(title)
        for lost in set(before) - set(after):
            self._numbers_of[lost].remove(number)
        for won in set(after) - set(before):
            insort(self._numbers_of[won], number)

    def forget(self, before: datetime) -> None:
        """Drop entries that arrived before a moment, once they are a good part of the index."""
        out = bisect_left(self._arrived, before.timestamp())
        if out < 1_000 or out < len(self._arrived) // 4:
            return
        for entry_id in self._ids[:out]:
            del self._place[entry_id]
        for column in (self._arrived, self._published, self._voices, self._titles, self._ids):
            del column[:out]
        self._gone += out
        recent = {t: numbers[bisect_left(numbers, self._gone) :] for t, numbers in self._numbers_of.items()}
        self._numbers_of = defaultdict(list, {t: numbers for t, numbers in recent.items() if numbers})

    # Queries

    def number_at(self, moment: float) -> int:
        """Return how many entries had arrived up to *moment* (seconds since 1970), including dropped ones."""
        return self._gone + bisect_right(self._arrived, moment)

    def terms(self, first: int, last: int, least: int) -> Iterator[tuple[str, list[int]]]:
        """Yield in alphabetical order the terms with *least* entries in first..last-1, with all their entries."""
        listed = []
        for term, numbers in self._numbers_of.items():
            end = bisect_left(numbers, last)
            if end >= least and numbers[end - least] >= first:
                listed.append((term, numbers))
        yield from sorted(listed)

    def voices(self, numbers: Iterable[int]) -> set[str]:
        """Return the independent sources of these entries."""
        gone, voices = self._gone, self._voices
        return {voices[number - gone] for number in numbers}

    def largest_source(self, numbers: Sequence[int]) -> float:
        """Return the share of these entries, one at the least, that the source with most of them has."""
        counts = Counter(self._voices[number - self._gone] for number in numbers)
        return max(counts.values()) / len(numbers)

    def published_after(self, numbers: Sequence[int], moment: float) -> int:
        """Return how many of these entries were published after *moment*."""
        gone, published = self._gone, self._published
        return sum(published[number - gone] > moment for number in numbers)

    def title(self, number: int) -> str:
        """Return the headline of an entry."""
        return self._titles[number - self._gone]

    def entry_id(self, number: int) -> int:
        """Return the id of an entry."""
        return self._ids[number - self._gone]

    def numbers(self, term: str) -> Sequence[int]:
        """Return all entries that contain *term*, oldest first."""
        return self._numbers_of.get(term, ())

    def arrived(self, number: int) -> float:
        """Return when an entry arrived."""
        return self._arrived[number - self._gone]

    @property
    def first_arrival(self) -> float:
        """When the oldest indexed entry arrived; infinity for an empty index."""
        return self._arrived[0] if self._arrived else math.inf
