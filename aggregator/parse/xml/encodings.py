"""Turn the bytes of an XML document into text, as browsers do.

Knows the labels and decoders of the WHATWG Encoding Standard: by `webencodings`, and beyond it the rows of
EUC-JP and ISO-2022-JP that Python's codecs lack. Leaves what the text contains to the readers.

Observed: Windows-31J and UHC under the names of the standards that they extend (a circled digit turned a whole
document into another alphabet), UTF-8 under any name, one byte of Windows-1252 in a document of UTF-8, labels that
nobody knows, a label of two million characters.
Rule: a byte order mark decides, then valid UTF-8, then the document's label, then the server's. Bytes that do not
fit are replaced one by one. A label whose text has more bytes that do not fit than that of another encoding of its
language is wrong. Without a label, the bytes are Windows-1252. Whatever was guessed or replaced is in the notes.
"""

from __future__ import annotations

import codecs
import re

import webencodings

from aggregator.text.markup import clip
from aggregator.text.wording import plural

REPLACEMENT = "\ufffd"

ENCODING = re.compile(rb"""\A<\?xml[^>]{0,200}?encoding\s*=\s*["']([^"'>]{1,40})["']""")
_LONG_LABEL = re.compile(rb"""\A<\?xml[^>]{0,200}?encoding\s*=\s*["']([^"'>]{41})""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_CONTROL = bytes(set(range(32)) - {9, 10, 13, 0x0E, 0x0F, 0x1B}) + b"\x7f"
UTF8_BOM = b"\xef\xbb\xbf"
_WIDE = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xfe\xff": "utf-16",
    b"\xff\xfe": "utf-16",
    b"\0\0\0<": "utf-32-be",
    b"<\0\0\0": "utf-32-le",
    b"\0<\0": "utf-16-be",
    b"<\0": "utf-16-le",
}
# Not in the Encoding Standard, but on the web; and its names whose nearest codec is not that of webencodings.
_MORE_LABELS = {
    "uhc": "euc-kr",
    "cp949": "euc-kr",
    "ms949": "euc-kr",
    "x-windows-949": "euc-kr",
    "cp932": "shift_jis",
    "x-ms-cp932": "shift_jis",
    "eucjp": "euc-jp",
    "ujis": "euc-jp",
    "euckr": "euc-kr",
    "cp936": "gbk",
    "cp950": "big5",
    "x-x-big5": "big5",
    "utf8mb4": "utf-8",
    "unicode": "utf-8",
    "ansi": "windows-1252",
}
# Spellings with a hyphen too many or too few: latin-9, windows1251, win-1252, cp-1250, iso8859-15, utf-8-bom.
_SPELLINGS = (
    (re.compile(r"latin-(\d{1,2})"), r"latin\1"),
    (re.compile(r"(?:windows|win|cp)-?(125[0-8]|874)"), r"windows-\1"),
    (re.compile(r"iso-?8859-?(\d{1,2})"), r"iso-8859-\1"),
    (re.compile(r"utf-?8(?:-bom)?|utf 8"), "utf-8"),
)
_SUPERSETS = {"gbk": "gb18030"}
_SAME_LANGUAGE = (("euc-jp", "shift_jis", "iso-2022-jp"), ("gbk", "big5", "gb18030"), ("windows-1251", "koi8-r"))
_UNSAFE = frozenset(("utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"))
# A valid sequence of UTF-8, else the beginning of one, else a byte.
_NOT_ASCII = re.compile(
    rb"([\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})"
    rb"|[\xe0-\xf4][\x80-\xbf]{1,2}|[\x80-\xff]"
)
_PUNCTUATION = frozenset(
    bytes((byte,)) for byte in b"\x80\x82\x84\x85\x8b\x91\x92\x93\x94\x95\x96\x97\x99\x9b\xa0\xa3\xa9\xab\xae\xb0\xbb"
)
_LATIN_LEADS = frozenset((b"\xc3", b"\xc4", b"\xc5"))
_AFTER_A_WORD = frozenset(bytes((byte,)) for byte in b" ,;:!?)\"'\n")
_TRUSTED_SHARE = 4
"""A document with more than one valid sequence for so many bytes that do not fit is UTF-8."""
_BAD_SHARE = 0.05
"""From this share of its characters that do not fit on, a label is doubted."""


def as_utf8(data: bytes, content_type: str, notes: list[str]) -> bytes:
    """Return *data* as UTF-8, without control characters, leading space and XML declaration.

    content_type: of the server; its charset counts where the document names none
    notes:        gets a line for whatever was guessed, replaced or removed
    """
    if wide := next((encoding for start, encoding in _WIDE.items() if data.startswith(start)), ""):
        data = without_declaration(data.decode(wide, "replace").encode())
    # White space before the root costs feedparser quadratic time: 60 kB 7 s.
    data = _without_prefix(data)
    printable = data.translate(None, _CONTROL)
    if len(printable) < len(data):
        notes.append("control characters removed")
    label = ENCODING.match(printable)
    declared = label[1].decode("latin-1").strip() if label else ""
    text = without_declaration(printable)
    if text.isascii() and b"\x1b" not in text:
        _note_unknown(declared or _long_label(printable), notes)
        return text
    if not text.isascii() and _is_utf8(text):
        return text
    if b"\xed" in text and (joined := _with_joined_surrogates(text)) is not None:
        notes.append("UTF-16 encoded as UTF-8 (CESU-8) repaired")
        return joined
    charset = _CHARSET.search(content_type)
    for name in (declared, charset[1] if charset else ""):
        encoding = encoding_of(name)
        if encoding and encoding not in ("utf-8", "utf-16le", "utf-16be"):
            return _decoded(text, encoding, notes).encode()
    _note_unknown(declared or _long_label(printable), notes)
    return _guessed(text, notes).encode()


def encoding_of(label: str) -> str:
    """Return the name of the encoding that *label* means, or "" if it means none that text may be in."""
    name = label.strip().lower().replace("_", "-") if label.isascii() else ""
    name = _MORE_LABELS.get(name, name)
    for pattern, usual in _SPELLINGS:
        if match := pattern.fullmatch(name):
            name = match.expand(usual)
    name = {"latin9": "iso-8859-15", "latin10": "iso-8859-16"}.get(name, name)
    encoding = (webencodings.lookup(name) or webencodings.lookup(label)) if name else None
    if encoding is not None:
        return "" if encoding.name in ("replacement", "x-user-defined") else encoding.name
    try:
        codec = codecs.lookup(name) if name else None
    except (LookupError, UnicodeError, ValueError):
        return ""
    if codec is None or not codec._is_text_encoding or codec.name.replace("_", "-") in _UNSAFE:
        return ""
    return codec.name


def decode(data: bytes, encoding: str) -> str:
    """Return *data* as text in an encoding that `encoding_of` named; what does not fit is U+FFFD."""
    if encoding == "euc-jp":
        return _from_euc_jp(data)
    if encoding == "iso-2022-jp":
        return _from_iso_2022_jp(data)
    registered = webencodings.lookup(encoding)
    codec = _SUPERSETS.get(encoding) or (registered.codec_info.name if registered else encoding)
    try:
        return data.decode(codec, "replace")
    except (UnicodeError, ValueError):  # a codec that knows no "replace"
        return data.decode("windows-1252", "replace")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decoded(data: bytes, encoding: str, notes: list[str]) -> str:
    text = decode(data, encoding)
    bad = text.count(REPLACEMENT)
    if not bad:
        return text
    foreign = sum(map(len, re.findall("[\x80-\U0010ffff]+", text)))
    if bad > foreign * _BAD_SHARE:
        for group in _SAME_LANGUAGE:
            for other in group if encoding in group else ():
                candidate = decode(data, other)
                if (count := candidate.count(REPLACEMENT)) < bad / 2:
                    notes.append(f"not {encoding} as it says, read as {other}")
                    text, bad, encoding = candidate, count, other
    if bad:
        notes.append(f"{bad} {'byte that is' if bad == 1 else 'bytes that are'} not {encoding} replaced")
    return text


def _guessed(data: bytes, notes: list[str]) -> str:
    """Return the text of a document whose label is missing, unknown or wrong."""
    pieces: list[str] = []
    valid = invalid = at = 0
    for match in _NOT_ASCII.finditer(data):
        pieces.append(data[at : match.start()].decode("ascii"))
        at = match.end()
        if match[1]:
            pieces.append(match[1].decode("utf-8"))
            valid += 1
        else:
            pieces.append(_stray(data, match))
            invalid += 1
    pieces.append(data[at:].decode("ascii"))
    # Text in Windows-1252 hardly ever has a valid sequence by chance: "\xc9\xbb" is one, "É»".
    if valid * _TRUSTED_SHARE > invalid:
        text = "".join(pieces)
        lost = text.count(REPLACEMENT)
        if invalid > lost:
            notes.append(f"{plural(invalid - lost, 'byte')} of windows-1252 among UTF-8 read as such")
        if lost:
            notes.append(f"{lost} {'byte that is' if lost == 1 else 'bytes that are'} not UTF-8 replaced")
        return text
    notes.append("not UTF-8 as it says, read as windows-1252")
    return decode(data, "windows-1252")


def _stray(data: bytes, match: re.Match[bytes]) -> str:
    """Return what stands for a byte or a cut sequence that is not UTF-8.

    Observed: quotes and dashes pasted from Word, one field from another database, texts cut in the middle of a
    character. A single byte between letters of Latin script is one of Windows-1252, and so is its punctuation.
    """
    byte = match[0]
    before, after = data[match.start() - 2 : match.start()], data[match.end() : match.end() + 1]
    if byte in _PUNCTUATION:
        is_beside_latin = (before[-1:].isascii() or before[:1] in _LATIN_LEADS) and (
            after.isascii() or after in _LATIN_LEADS
        )
        return byte.decode("windows-1252") if is_beside_latin else REPLACEMENT
    is_letter = len(byte) == 1 and byte >= b"\xc0" and before[-1:].isalpha()
    return byte.decode("windows-1252") if is_letter and (after.isalpha() or after in _AFTER_A_WORD) else REPLACEMENT


def _with_joined_surrogates(data: bytes) -> bytes | None:
    """Return CESU-8 as UTF-8; None if it is not."""
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _note_unknown(label: str, notes: list[str]) -> None:
    if label and not encoding_of(label):
        shown = clip("".join(c if c.isprintable() else "?" for c in label), 40)
        notes.append(f"it names an encoding that nobody knows: {shown}")


def _long_label(data: bytes) -> str:
    match = _LONG_LABEL.match(data)
    return match[1].decode("latin-1") if match else ""


def _without_prefix(data: bytes) -> bytes:
    while True:
        stripped = data.lstrip(b" \t\r\n\0").removeprefix(UTF8_BOM)
        if stripped == data:
            return data
        data = stripped


def without_declaration(data: bytes) -> bytes:
    """Return *data* without its XML declaration, however long that is."""
    if not data.startswith(b"<?xml") or data[5:6] not in (b" ", b"\t", b"\n", b"\r", b"?"):
        return data
    end = data.find(b"?>")
    return data[end + 2 :].lstrip() if end > 0 else data


# Japanese

# Runs of what Python's codec knows; a pair of a row that it does not know; anything else.
_EUC_JP = re.compile(
    rb"((?:[\x00-\x7f]|[\xa1-\xa8\xb0-\xf4][\xa1-\xfe]|\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe]{2})+)|([\xa9-\xfe][\xa1-\xfe])|.",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\x1b(\$[@B]|\(B|\(J|\(I)")


def _from_euc_jp(data: bytes) -> str:
    """Return EUC-JP with the rows of NEC and IBM (13, 89 to 92) that Python's codec does not have."""
    try:
        return data.decode("euc_jp")
    except UnicodeDecodeError:
        return "".join(map(_euc_jp_piece, _EUC_JP.finditer(data)))


def _euc_jp_piece(match: re.Match[bytes]) -> str:
    if run := match[1]:
        return run.decode("euc_jp", "replace")
    return _jis_x_0208(match[2][0] - 0xA1, match[2][1] - 0xA1) if match[2] else REPLACEMENT


def _jis_x_0208(row: int, cell: int) -> str:
    """Return a character of JIS X 0208 with its extensions; in Shift_JIS two rows share a first byte."""
    first = (row >> 1) + (0x81 if row < 62 else 0xC1)
    second = cell + (0x9F if row % 2 else 0x40 + (cell >= 0x3F))
    return bytes((first, second)).decode("cp932", "replace")[:1]


def _from_iso_2022_jp(data: bytes) -> str:
    pieces: list[str] = []
    mode, at = b"(B", 0
    for escape in [*_ESCAPE.finditer(data), None]:
        piece = data[at : escape.start() if escape else len(data)]
        if mode.startswith(b"$"):
            pairs = zip(piece[::2], piece[1::2], strict=False)
            pieces += [_jis_x_0208(a - 0x21, b - 0x21) if a > 0x20 < b else chr(a) + chr(b) for a, b in pairs]
        elif mode == b"(I":
            pieces.append(bytes(byte | 0x80 for byte in piece).decode("shift_jis", "replace"))
        else:
            pieces.append(piece.decode("ascii", "replace"))
        if escape:
            mode, at = escape[1], escape.end()
    return "".join(pieces)
