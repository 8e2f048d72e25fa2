"""A claim's path by the bucket's layout, and a path's claim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.facts.layout import Owner, depth_of, prefix_of, read

labels = st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,8}", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=3).map(".".join)
LAYOUTS = [
    "{namespace}/{pvc}",
    "{pvc}/{namespace}",
    "{namespace}/{pvc}/{source}",
    "clusters/home/{namespace}/{source}/{pvc}",
    "{namespace}/pvc-{pvc}",
    "{namespace}_{pvc}",
    "{namespace}/{pvc}/{namespace}",
]


@given(st.sampled_from(LAYOUTS), labels, names, names)
def test_a_claims_path_tells_the_claim(layout: str, namespace: str, pvc: str, source: str) -> None:
    path = prefix_of(layout, namespace, pvc, source)
    assert read(layout, path) == Owner(namespace, pvc, source if "{source}" in layout else None)
    assert path.count("/") + 1 == depth_of(layout)


def test_an_ambiguous_layout_gives_a_path_and_no_claim() -> None:
    assert prefix_of("{namespace}-{pvc}", "my-shop", "cart-data", "") == "my-shop-cart-data"
    assert read("{namespace}-{pvc}", "my-shop-cart-data") == Owner()


@pytest.mark.parametrize("path", ["", "shop", "shop/cart/more", "Shop/cart", "shop.eu/cart", "shop/", "shop/-cart"])
def test_a_path_that_no_claim_can_have_is_nobodys(path: str) -> None:
    assert read("{namespace}/{pvc}", path) == Owner()
