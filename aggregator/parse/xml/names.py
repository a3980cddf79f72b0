"""The names by which feedparser knows elements, and what it does with each in an item.

Names and namespaces are feedparser's own tables, so that an element that it handles and we do not know sends a
document to feedparser.
"""

from __future__ import annotations

from functools import lru_cache

from feedparser.mixin import _FeedParserMixin
from feedparser.namespaces import _base, admin, cc, dc, georss, itunes, mediarss, psc

PREFIX_BY_URI = {uri.lower(): prefix for uri, prefix in _FeedParserMixin.namespaces.items()}
for _module in (_base, admin, cc, dc, georss, itunes, mediarss, psc):
    PREFIX_BY_URI |= {uri.lower(): prefix for uri, prefix in _module.Namespace.supported_namespaces.items()}
PREFIXES = frozenset(PREFIX_BY_URI.values()) - {""}
ATOM_URIS = ("http://www.w3.org/2005/atom",)
OLD_ATOM = (
    "http://purl.org/atom/ns#",
    "http://purl.org/echo/",
    "http://purl.org/pie/",
    "http://example.com/newformat#",
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What feedparser does at the elements of an item, by the name it gives them: prefix and local name, in lower case.
_ITEM_ACTIONS = {
    "title": ("title",),
    "link": ("link",),
    "id": ("guid", "id"),
    "description": ("description", "dc_description"),
    "summary": ("summary", "itunes_summary"),
    "content": ("content",),
    "encoded": ("content_encoded", "fullitem"),
    "published": ("published", "issued", "pubdate", "dcterms_issued"),
    "updated": ("updated", "modified", "dc_date", "dcterms_modified"),
    "created": ("created", "dcterms_created"),
    "author": ("author", "dc_creator", "dc_author", "itunes_author"),
    "category": ("category", "dc_subject", "media_category"),
    "keywords": ("media_keywords", "itunes_keywords"),
    "enclosure": ("enclosure",),
    "media": ("media_content", "media_group", "media_thumbnail", "media_title", "media_description", "media_credit"),
    "image": ("itunes_image",),
    "itunes_title": ("itunes_title",),
    "origlink": ("feedburner_origlink",),
    "source": ("source",),
    "comments": ("comments",),
    "apart": ("contributor", "dc_contributor", "psc_chapters", "georss_where", "where", "media_community"),
    # feedparser handles these, but they change nothing that we read.
    "skip": (
        *("generator", "rights", "copyright", "subtitle", "itunes_subtitle", "expirationdate", "cloud"),
        *("webmaster", "dc_publisher", "dc_rights", "dc_language", "language", "dcterms_valid", "itunes_block"),
        *("itunes_explicit", "georss_point", "georss_line", "georss_polygon", "georss_box", "cc_license"),
        *("creativecommons_license", "admin_generatoragent", "admin_errorreportsto", "media_rating", "media_player"),
        *("media_restriction", "media_license"),
    ),
}
_ACTION = {name: action for action, names in _ITEM_ACTIONS.items() for name in names}
# Keys of feedparser's entry that we read: an element of that very name would write there.
READ = _names(
    "id link links title title_detail summary summary_detail content authors author author_detail tags published "
    "published_parsed updated updated_parsed created created_parsed media_content media_thumbnail media_title "
    "media_description credit image enclosures language feedburner_origlink href items entries date description "
    "guid modified issued url"
)
_APART_INSIDE = _names(
    "title id updated published link author name uri url email logo icon rights subtitle generator category "
    "psc_chapter georss_point georss_line georss_polygon georss_box gml_point gml_pos gml_polygon gml_exterior "
    "gml_linearring gml_poslist media_starrating media_statistics media_tags"
)


@lru_cache(maxsize=4096)
def name_of(tag: str) -> str:
    """Return what feedparser calls *tag*; an unknown namespace, whose prefix is harmless, is "?"."""
    if tag[0] != "{":
        return tag.lower()
    uri, _, local = tag[1:].partition("}")
    lower = uri.lower()
    prefix = "" if "backend.userland.com/rss" in lower else PREFIX_BY_URI.get(lower, "?")
    return f"{prefix}_{local}".lower() if prefix else local.lower()


def action_of(tag: str) -> str:
    """Return what an element of an item does; "" if only feedparser knows."""
    name = name_of(tag)
    if action := _ACTION.get(name):
        return action
    return "skip" if is_harmless(name) else ""


@lru_cache(maxsize=4096)
def is_harmless(name: str) -> bool:
    if name.startswith("?_"):
        return True
    handled = hasattr(_FeedParserMixin, f"_start_{name}") or hasattr(_FeedParserMixin, f"_end_{name}")
    return not handled and name not in READ


IMAGE_INSIDE = _names("image textinput title link description url href width height name")
FEED_DANGERS = _names(
    "title link id guid item entry image textinput language dc_title dc_language source feed channel rss xhtml_body "
    "body svg_title newlocation content_encoded fullitem content"
)
FEED_HARMLESS = _names(
    "author authors tags published updated created modified issued date credit url href summary description items"
)


def is_inside(name: str) -> bool:
    return name in _APART_INSIDE or name.startswith("?_")
