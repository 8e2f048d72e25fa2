"""The lean parser reads what a real XML parser reads, whatever stands in the answer."""

from collections.abc import Callable
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.facts.bucket import listing
from exporter.facts.bucket.listing import ListingPage, NotAListing, parse, parse_xml

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
xml_texts = st.text(
    st.one_of(st.sampled_from("&<>\"'%+/\n\t\r "), st.characters(codec="utf-8", exclude_categories=["Cc"])), max_size=12
)
objects = st.lists(st.tuples(xml_texts, st.integers(0, 2**53), xml_texts), max_size=6)


def answer(
    entries: list[tuple[str, int, str]],
    *,
    token: str | None = None,
    encoded: bool = False,
    folders: tuple[str, ...] = (),
) -> bytes:
    """An answer as stores write it."""
    parts = [
        f"<Contents><Key>{escape(key)}</Key><LastModified>{escape(modified)}</LastModified>"
        f"<ETag>&quot;5d41&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for key, size, modified in entries
    ]
    parts += [f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in folders]
    parts += ["<EncodingType>url</EncodingType>"] * encoded
    if token is not None:
        parts.append(f"<NextContinuationToken>{escape(token)}</NextContinuationToken>")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>b</Name><Prefix></Prefix><KeyCount>{len(entries) + len(folders)}</KeyCount>"
        f"<IsTruncated>{str(token is not None).lower()}</IsTruncated>{''.join(parts)}</ListBucketResult>"
    ).encode()


@given(objects, st.none() | xml_texts, st.booleans(), st.lists(xml_texts, max_size=3).map(tuple))
def test_the_lean_parser_agrees_with_the_xml_parser(
    entries: list[tuple[str, int, str]], token: str | None, encoded: bool, folders: tuple[str, ...]
) -> None:
    body = answer(entries, token=token, encoded=encoded, folders=folders)
    assert outcome(parse, body) == outcome(parse_xml, body)


@given(st.lists(st.sampled_from([
    b"<Contents>", b"</Contents>", b"<Contents/>", b"<Key>a</Key>", b"<Key/>", b"<Key a='b'>c</Key>", b"<Size>1</Size>",
    b"<Size> 2 </Size>", b"<LastModified>t</LastModified>", b"<!-- <Key>x</Key> -->", b"<![CDATA[<Key>]]>", b"&nbsp;",
    b"<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>", b"<CommonPrefixes>", b"<IsTruncated>true</IsTruncated>",
    b"<IsTruncated>", b"<KeyCount>1</KeyCount>", b"<KeyCount/>", b"\xff", b"</ListBucketResult>", b"\r\n",
    b"<Contents><Key>k</Key><Size>3</Size><LastModified>u</LastModified></Contents>",
    b"<Contents><Key>&#x2F;&amp;</Key><LastModified>u</LastModified><Size>3</Size></Contents>",
]), max_size=8))  # fmt: skip
def test_whatever_is_odd_is_left_to_the_xml_parser(parts: list[bytes]) -> None:
    body = b"<ListBucketResult>" + b"".join(parts) + b"</ListBucketResult>"
    expected = outcome(parse_xml, body)
    if expected is not None:
        assert outcome(parse, body) == expected


def outcome(read: Callable[[bytes], ListingPage], body: bytes) -> ListingPage | None:
    try:
        return read(body)
    except NotAListing:
        return None


def test_an_answer_as_stores_write_it_needs_no_xml_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "parse_xml", lambda body: pytest.fail("the lean parser gave up"))
    page = parse(
        answer([("ns/pvc/keys/a%20b+c&d", 3, "2026-01-18T14:00:05.123Z")], token="[rustfs_cache:a&b]", encoded=True)
    )
    assert page.keys == ["ns/pvc/keys/a b c&d"]
    assert (page.sizes, page.modified) == ([3], ["2026-01-18T14:00:05.123Z"])
    assert (page.truncated, page.token, page.key_count) == (True, "[rustfs_cache:a&b]", 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>It works!</body></html>",
        b"<Error><Code>InternalError</Code></Error>",
        answer([("a", 1, "t")])[:-30],
        b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
    ],
    ids=["nothing", "a web page", "an error", "cut off", "without sizes"],
)
def test_what_is_no_listing_is_refused(body: bytes) -> None:
    with pytest.raises(NotAListing):
        parse(body)
