"""One answer of ListObjectsV2, read fast.

boto3's own parser takes 55 to 100 ms for a page of 1,000 keys: it parses the XML twice and reads each date with
dateutil. A few regular expressions take 1 ms, a real XML parser 5 ms (one core, botocore 1.44; `bench/sweep.py`
measures it again). So the regular expressions go first, and wherever their counts disagree the XML parser decides.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET

import msgspec

# An element in the form that every store writes it: no attributes, no comments. Whatever else there is makes the
# counts disagree.
_KEY = re.compile(r"<Key>([^<]*)</Key>")
_SIZE = re.compile(r"<Size>([0-9]+)</Size>")
_MODIFIED = re.compile(r"<LastModified>([^<]*)</LastModified>")
_PREFIX = re.compile(r"<CommonPrefixes><Prefix>([^<]*)</Prefix></CommonPrefixes>")
_TRUNCATED = re.compile(r"<IsTruncated>\s*(true|false)\s*</IsTruncated>")
_TOKEN = re.compile(r"<NextContinuationToken>([^<]*)</NextContinuationToken>")
_KEY_COUNT = re.compile(r"<KeyCount>([0-9]+)</KeyCount>")
_URL_ENCODED = "<EncodingType>url</EncodingType>"
_ROOT = re.compile(r"\s*(?:<\?xml[^>]*?(?:encoding=[\"'](?i:utf-8)[\"'][^>]*?)?\?>\s*)?<ListBucketResult[\s>]")
_MOST_ENTRIES = 10_000
_MOST_BYTES_OF_AN_OBJECT = 1 << 50
"""A pebibyte: twenty times what S3 takes."""
_MOST_TOKEN = 8192
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Amazon's S3 is of 2006. Go's zero time, which some stores send for an unknown one, is no moment."""
# What means something to an XML parser that the expressions do not know: line ends; comments and CDATA sections.
_ONLY_FOR_A_PARSER = ("\r", "!")


class NotAListing(ValueError):  # noqa: N818  # the name is the whole story
    """The answer is no list of objects, or not all of one."""


class ListingPage(msgspec.Struct, frozen=True):
    """One page of a listing: three columns of equal length, and the folders where a delimiter was given."""

    keys: list[str]
    sizes: list[int]
    modified: list[str]
    """As the store wrote them: `moment` reads one."""
    folders: list[str] = []
    """The common prefixes, each with the delimiter at its end."""
    truncated: bool = False
    token: str | None = None
    key_count: int | None = None
    """How many keys and folders the store says it sent."""


def parse(body: bytes) -> ListingPage:
    """Read the XML of one answer.

    Raises:
        NotAListing: *body* is no ListBucketResult, or is cut off.
    """
    page = _parse_fast(body)
    return parse_xml(body) if page is None else _bounded(page)


def _bounded(page: ListingPage) -> ListingPage:
    """*page*, if a store can have meant it.

    Raises:
        NotAListing: it holds what no listing can.
    """
    if len(page.keys) + len(page.folders) > _MOST_ENTRIES:
        raise NotAListing(f"the answer holds {len(page.keys) + len(page.folders)} entries, and 1000 were asked for")
    if page.sizes and (min(page.sizes) < 0 or max(page.sizes) > _MOST_BYTES_OF_AN_OBJECT):
        raise NotAListing("the answer gives an object a size that none can have")
    if page.token and len(page.token) > _MOST_TOKEN:
        raise NotAListing(f"the answer's token is {len(page.token)} characters long")
    return page


def _parse_fast(body: bytes) -> ListingPage | None:
    """What the expressions find; None unless it is certain that a parser would find the same."""
    try:
        text = body.decode()
        return _find(text) if _ROOT.match(text) and text.rstrip().endswith("</ListBucketResult>") else None
    except (ValueError, ET.ParseError):  # a number of more digits than Python reads is a ValueError
        return None


def _find(text: str) -> ListingPage | None:
    if any(character in text for character in _ONLY_FOR_A_PARSER):
        return None
    objects, frame = _split(text)
    keys, sizes, modified = _KEY.findall(objects), _SIZE.findall(objects), _MODIFIED.findall(objects)
    if not len(keys) == len(sizes) == len(modified) == _objects_in(objects) or "<Contents" in frame:
        return None
    folders, truncated, tokens = _PREFIX.findall(frame), _TRUNCATED.findall(frame), _TOKEN.findall(frame)
    counts = _KEY_COUNT.findall(frame)
    if len(folders) != frame.count("<CommonPrefixes") or not _is_all(truncated, frame, "<IsTruncated"):
        return None
    if not _is_all(tokens, frame, "<NextContinuationToken") or not _is_all(counts, frame, "<KeyCount"):
        return None
    encoded = _URL_ENCODED in frame
    return ListingPage(
        keys=_texts(keys, encoded=encoded),
        sizes=list(map(int, sizes)),
        modified=_texts(modified, encoded=False),
        folders=_texts(folders, encoded=encoded),
        truncated=truncated == ["true"],
        token=_texts(tokens, encoded=False)[0] if tokens else None,
        key_count=int(counts[0]) if counts else None,
    )


def _split(text: str) -> tuple[str, str]:
    """The objects, which are nearly all of *text*, and what stands around them."""
    start, end = text.find("<Contents>"), text.rfind("</Contents>") + len("</Contents>")
    return (text[start:end], text[:start] + text[end:]) if 0 <= start < end else ("", text)


def _objects_in(objects: str) -> int:
    """How many objects stand in *objects*, if they stand one after the other with nothing between them."""
    return objects.count("</Contents><Contents>") + 1 if objects else 0


def _is_all(found: list[str], frame: str, start: str) -> bool:
    """Whether an element that may stand once was found as often as its *start* stands there."""
    return len(found) == frame.count(start) <= 1


def _texts(texts: list[str], *, encoded: bool) -> list[str]:
    """*texts* without entities and, where they are *encoded*, without S3's own escapes; most texts have none."""
    joined = "".join(texts)
    if "&" in joined:
        texts = [_unescaped(text) if "&" in text else text for text in texts]
    return _decoded(texts) if encoded and ("%" in joined or "+" in joined or "&" in joined) else texts


def _unescaped(text: str) -> str:
    return ET.fromstring(f"<t>{text}</t>").text or ""  # noqa: S314  # only text and references: no markup


def _decoded(texts: Iterable[str]) -> list[str]:
    """*texts* without the `encoding-type=url` that boto3 asks for: query escapes, where a blank may be a plus."""
    return [unquote_plus(text) if "%" in text or "+" in text else text for text in texts]


def parse_xml(body: bytes) -> ListingPage:
    """Read *body* with a real XML parser, which takes four times as long.

    Raises:
        NotAListing: *body* is no well-formed ListBucketResult.
    """
    try:
        # S3 writes UTF-8, whatever encoding a declaration names: of text, the parser takes no notice of it.
        text = body.decode("utf-8-sig")
        if "<!DOCTYPE" in text:
            raise NotAListing("the answer declares a document type, which may make it grow without end")
        root = ET.fromstring(text)  # noqa: S314  # without a document type there are no entities to expand
    except UnicodeDecodeError as error:
        raise NotAListing(f"the answer is no UTF-8: {error.reason}") from None
    except (ET.ParseError, LookupError) as error:
        raise NotAListing(f"the answer is no XML: {error}") from None
    if _name(root) != "ListBucketResult":
        raise NotAListing(f"the answer is a {_name(root)[:40]}, not a ListBucketResult")
    try:
        return _bounded(_page_of(root))
    except NotAListing:
        raise
    except ValueError as error:
        raise NotAListing(f"the answer cannot be read: {error}") from None


def _page_of(root: ET.Element) -> ListingPage:
    contents = [{_name(field): field.text or "" for field in child} for child in _all(root, "Contents")]
    folders = [field.text or "" for child in _all(root, "CommonPrefixes") for field in _all(child, "Prefix")]
    if any(not entry.keys() >= {"Key", "Size", "LastModified"} for entry in contents):
        raise ValueError("an object lacks its key, size or date")
    keys = [entry["Key"] for entry in contents]
    encoded = _first(root, "EncodingType") == "url"
    key_count = _first(root, "KeyCount")
    return ListingPage(
        keys=_decoded(keys) if encoded else keys,
        sizes=[int(entry["Size"]) for entry in contents],
        modified=[entry["LastModified"] for entry in contents],
        folders=_decoded(folders) if encoded else folders,
        truncated=(_first(root, "IsTruncated") or "").strip() == "true",
        token=_first(root, "NextContinuationToken"),
        key_count=int(key_count) if key_count else None,
    )


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(parent: ET.Element, name: str) -> list[ET.Element]:
    return [child for child in parent if _name(child) == name]


def _first(root: ET.Element, name: str) -> str | None:
    found = _all(root, name)
    return found[0].text or "" if found else None


def moment(text: str) -> datetime:
    """The moment of a `LastModified`.

    Raises:
        ValueError: *text* is no RFC 3339 time, or one before S3 was or long after now.
    """
    parsed = datetime.fromisoformat(text)
    written = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    if not _EARLIEST <= written <= _LATEST:
        raise ValueError(f"{text[:40]!r} is no time at which an object can have been written")
    return written
