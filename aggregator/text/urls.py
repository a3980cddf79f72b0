"""Parse, compare and clean web addresses.

Knows which spellings name the same page, which links may be followed by a reader,
and whose site a host belongs to. Leaves asking for anything to `fetch`, which also
decides which network addresses are refused.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from aggregator.text.link_wrappers import unwrapped

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MAX_LENGTH = 2_000

# Parameters that say where a visitor came from, and nothing of the page. A name that is a page's own on some sites
# (id, page, ref, source, partner) is here only with a value that gives it away.
_TRACKING = re.compile(
    r"(?:utm_[^=]*|mtm_[^=]*|matomo_[^=]*|piwik_[^=]*|pk_(?:campaign|cpn|kwd|keyword|source|medium|content|cid|vid)"
    r"|hsa_[^=]*|_ga|_gl|gad_(?:source|campaignid)|gclid|gclsrc|dclid|gbraid|wbraid|srsltid|usqp"
    r"|fbclid|fb_(?:action_ids|action_types|ref|source)|msclkid|yclid|ysclid|_openstat|twclid|ttclid|tgclid|li_fat_id"
    r"|igshid|igsh|epik|rdt_cid|ScCid|mc_cid|mc_eid|mkt_tok|_hsenc|_hsmi|__hs(?:fp|sc|tc)|hsCtaTracking|vero_id|vero_conv"
    r"|oly_anon_id|oly_enc_id|ml_subscriber(?:_hash)?|_bhlid|_kx|elqTrackId|elqTrack|elqak|elqat|spMailingID|spUserID"
    r"|spJobID|spReportId|CNDID|bbemailid|bxid|cndid|esrc=(?:bounceX|AUTO_PRINT)[^&]*|mbid|bsft_[^=]*|dm_i|cm_mmc[^=]*"
    r"|wickedid|irclickid|irgwc|cjevent|cjdata|awc|sscid|_branch_match_id|_branch_referrer|s_kwcid|ef_id"
    r"|ns_(?:mchannel|source|campaign|linkname|fee)|at_(?:medium|campaign|campaign_type|link_id|link_type|link_origin"
    r"|ptr_name|bbc_team|format|custom\d)|itm_(?:source|medium|campaign|content|term)"
    r"|cmpid|CMP|ocid|ncid|ftag|smid|smtyp|soc_src|soc_trk|sr_share|guccounter|guce_[^=]*|s_cid|wt_mc|wt\.mc_id|xtor"
    r"|__twitter_impression|ref_src|ref_url|taid|wprov|ito|icid|sc_(?:campaign|channel|content|country|geo|outcome)"
    r"|hss_channel|wt_zmc|wt_ref|triedRedirect|__source|rdt=\d+|si=[\w-]{16,}|share_id=[\w-]{20,}"
    r"|trk(?:Info|Email)|emc=rss|partner=(?:rss|feed)[^&]*|source=(?:rss|feed)[^&]*|ref=(?:rss|feed)[^&]*"
    r"|via=(?:rss|feed)|from=(?:rss|feed)|(?:mod|src|traffic_source|utm)=(?:rss|feed)[^&]*|rss=\d*|rss$|feature=(?:youtu\.be|rss[^&]*)|guid=rss|referrer=rss)(?:=|$)",
    re.IGNORECASE,
)
_TRACKING_ANYWHERE = re.compile("(?:^|&)" + _TRACKING.pattern.removesuffix("(?:=|$)"), re.IGNORECASE)
# A session of one visitor: two addresses that differ in it are one page, but a reader's link keeps it.
_SESSION = re.compile(
    r"(?:jsessionid|phpsessid|aspsessionid[a-z]*|asp\.net_sessionid|cfid|cftoken|sessionid|session_id|sessid|sid|s"
    r"|osCsid|zenid|PHPSESSIONID)=[0-9A-Za-z_-]{16,}$",
    re.IGNORECASE,
)
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?#]*|/\(S\([a-z0-9]{20,30}\)\)", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
_PERCENT = re.compile("%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_PATH_SAFE = "/:@!$&()*+,;=~%-._"
_QUERY_SAFE = _PATH_SAFE + "?"
# An address in the spelling that nearly all have: nothing to escape, no user name, lower case host, a path.
_USUAL = re.compile(
    r"https?://([a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*(?<!-))(:[1-9]\d{1,3})?(/[\w/:@!$&()*+,=~.-]*)"
    r"(?:\?([\w/:@!$&()*+,;=~.?-]+))?(?:\#([\w/:@!$&()*+,;=~.?-]+))?",
    re.ASCII,
)
_PLAIN_HOST = re.compile(r"https?://([a-z0-9.-]+)(?=[/?#]|\Z)")
"""A host in lower case, without port and user name, as in nearly all addresses; `urlsplit` takes ten times as long."""
_CONTROL = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]+")


_ENDS = re.compile(r"^[\s.]+|[\s.]+\Z")
"""What no name of a host begins or ends with."""


@lru_cache(maxsize=4096)
def canonical(url: str) -> str:
    """Return the spelling of *url* by which it is recognised again; never fetched, never shown.

    Ignores http or https, letter case of the host, default ports, a trailing slash, the order of
    parameters, tracking parameters (utm_*, fbclid) and the fragment. Other text is only trimmed.
    Idempotent.
    """
    if usual := _USUAL.fullmatch(url):
        name, port, path, query, _ = usual.groups()
        path = _SESSION_IN_PATH.sub("", path) if ";" in path or "(" in path else path
        short = f"https://{name}{port if port and port not in (':80', ':443') else ''}{path.rstrip('/')}"
        if not query:
            return short
        arguments = sorted(argument for argument in query.split("&") if argument and not _says_nothing(argument))
        return f"{short}?{'&'.join(arguments)}" if arguments else short
    parts = _web(url)
    if parts is None:
        return _CONTROL.sub(" ", url).strip()
    host, port = _ENDS.sub("", parts.hostname or ""), _port(parts)
    name = _ascii_host(host) or host
    path = _SESSION_IN_PATH.sub("", _escaped(parts.path, _PATH_SAFE)).rstrip("/")
    query = "&".join(
        sorted(
            argument
            for argument in _escaped(parts.query, _QUERY_SAFE).split("&")
            if argument and not _says_nothing(argument)
        )
    )
    return f"https://{name}{port}{path}{'?' + query if query else ''}"


_MOBILE_HOST = re.compile(r"(?<=^https://)(?:www|amp|m|mobile)\.(?=[^/]+\.)")
_AMP_PATH = re.compile(r"^(https://[^/]+)/amp(?=/.)|/amp(?=$|\?)|\.amp(?=$|\?|\.html)")
_AMP_ARGUMENT = re.compile(r"(?<=[?&])(?:amp(?:=[^&]*)?|outputType=amp)(?:&|$)", re.IGNORECASE)


@lru_cache(maxsize=4096)
def article_key(url: str) -> str:
    """Return what the spellings of one article have in common: `canonical`, without www, mobile and AMP versions.

    Two pages of a site can have one key, if only their hosts or "/amp" tell them apart.

    >>> article_key("https://amp.paper.example/tunnel?outputType=amp")
    'https://paper.example/tunnel'
    """
    key = _MOBILE_HOST.sub("", canonical(url))
    if "amp" in key or "AMP" in key:
        key = _AMP_ARGUMENT.sub("", _AMP_PATH.sub(r"\1", key)).rstrip("?&")
    return key


def _says_nothing(argument: str) -> bool:
    return bool(_TRACKING.match(argument) or _SESSION.match(argument))


def for_readers(url: str) -> str:
    """Return a safe link as readers get it: without its wrapper and without tracking parameters.

    Idempotent. A link that would be unsafe without its wrapper keeps it.
    """
    inner = unwrapped(url)
    if inner is not url:
        url = safe_link(inner) or url
    if "?" not in url and "#" not in url:
        return url
    page, hash_sign, fragment = url.partition("#")
    page, question_mark, query = page.partition("?")
    if question_mark and _TRACKING_ANYWHERE.search(query):
        query = "&".join(argument for argument in query.split("&") if not _TRACKING.match(argument))
    if hash_sign and fragment and all(map(_TRACKING.match, fragment.split("&"))):
        fragment = ""
    return page + ("?" + query) * bool(query) + ("#" + fragment) * bool(fragment)


def is_usual(url: str) -> bool:
    """Return whether *url* is absolute and spelled as nearly all are: joining it with a base does not change it."""
    return _USUAL.fullmatch(url) is not None


def safe_link(href: str, base: str = "") -> str:
    """Return *href* as an absolute http(s) address a reader may follow, or "".

    A relative one is resolved against *base*, the feed it stood in, and never against this site.
    User names and passwords, hosts that are none, and more than 2,000 characters give "".
    """
    href = href.strip()
    if not href or len(href) > MAX_LENGTH * 4:
        return ""
    if len(href) <= MAX_LENGTH and _USUAL.fullmatch(href):
        return href
    try:
        parts = _web(urljoin(base, href) if base else href)
    except ValueError:
        return ""
    if parts is None or "@" in parts.netloc or "\\" in parts.netloc:
        return ""
    host = _ascii_host(parts.hostname or "")
    if not host:
        return ""
    port = f":{parts.port}" if parts.port is not None else ""
    url = f"{parts.scheme}://{host}{port}{_escaped(parts.path, _PATH_SAFE) or '/'}"
    if parts.query:
        url += "?" + _escaped(parts.query, _QUERY_SAFE)
    if parts.fragment:
        url += "#" + _escaped(parts.fragment, _QUERY_SAFE)
    return url if len(url) <= MAX_LENGTH else ""


@lru_cache(maxsize=4096)
def host(url: str) -> str:
    """Return the host of *url* in lower case, without port and brackets, or ""."""
    if plain := _PLAIN_HOST.match(url):
        return plain[1].rstrip(".")
    try:
        return (urlsplit(url.strip()).hostname or "").rstrip(".")
    except ValueError:
        return ""


@lru_cache(maxsize=4096)
def registrable_domain(host: str) -> str:
    """Return the registrable domain of *host*: bbc.co.uk for feeds.bbc.co.uk.

    By the public suffix list that ships with publicsuffixlist. An IP address, a name
    without dots and a public suffix itself come back as they are.
    """
    name = host.strip("[].").lower()
    if ":" in name or name.replace(".", "").isdigit():
        return name
    return _suffixes().privatesuffix(name) or name


def domain_name(domain: str) -> str:
    """Return a registrable domain without its ending: bbc for bbc.co.uk and bbc.com; an IP address as it is."""
    name = domain.partition(".")[0]
    return domain if name.isdigit() else name


def shown(url: str) -> str:
    """Return *url* for a log line or a page: without user name, password and control characters."""
    url = _CONTROL.sub("", url)
    before, separator, after = url.partition("://")
    if separator:
        end = min((i for i in map(after.find, "/?#") if i >= 0), default=len(after))
        url = f"{before}://{after[:end].rpartition('@')[2]}{after[end:]}"
    return url if len(url) <= MAX_LENGTH else url[: MAX_LENGTH - 1] + "…"


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # the children that parse never ask

    return PublicSuffixList()


def _web(url: str) -> SplitResult | None:
    """Return the parts of an absolute http(s) address, else None."""
    try:
        parts = urlsplit(_CONTROL.sub(" ", url).strip())
        if parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port >= 0):
            return parts
    except ValueError:
        pass
    return None


def _port(parts: SplitResult) -> str:
    return "" if parts.port in (None, 80, 443) else f":{parts.port}"


@lru_cache(maxsize=4096)
def _ascii_host(name: str) -> str:
    """Return *name* as it is looked up: lower case, IDNA; "" when it can be no host."""
    if ":" in name:
        name = f"[{name}]"
    elif not name.isascii():
        import idna  # its tables cost a tenth of a child's start, and few meet such a name

        try:
            name = idna.encode(name, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            return ""
    name = name.lower().rstrip(".")
    return name if len(name) <= 253 and _HOST.fullmatch(name) and ".." not in name else ""


def _escaped(part: str, safe: str) -> str:
    """Return *part* with every character escaped that has to be, and none that need not."""
    if part.isalnum() and part.isascii():
        return part
    if "%" in part:
        part = _PERCENT.sub(_percent, part)
    return quote(part, safe=safe)


def _percent(match: re.Match[str]) -> str:
    if match[1] is None:
        return "%25"
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else match[0].upper()
