"""What a client takes: the formats and encodings of its Accept headers, by their weight (RFC 9110, 12.5)."""

from exporter.publication.render import Format


def takes_gzip(accept_encoding: str) -> bool:
    """Whether gzip is welcome; without the header it is not."""
    weights = {coding: weight for coding, _, weight in _ranges(accept_encoding)}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def exposition_format(accept: str) -> Format:
    """The format that *accept* likes best; the classic text where it does not mind, or names neither."""
    openmetrics, text = 0.0, 0.0
    for media, parameters, weight in _ranges(accept):
        if media == "application/openmetrics-text" and parameters.get("version", "1.0.0") in ("1.0.0", "0.0.1"):
            openmetrics = max(openmetrics, weight)
        elif media in ("text/plain", "text/*", "*/*") and parameters.get("version", "0.0.4") == "0.0.4":
            text = max(text, weight)
    return Format.OPENMETRICS if openmetrics > 0 and openmetrics >= text else Format.TEXT


def prefers_json(accept: str) -> bool:
    """Whether *accept* likes JSON better than a page; who does not mind gets the page."""
    weights = {media: weight for media, _, weight in _ranges(accept)}
    anything = weights.get("*/*", 0.0)
    json = weights.get("application/json", weights.get("application/*", anything))
    return json > weights.get("text/html", weights.get("text/*", anything))


def _ranges(header: str) -> list[tuple[str, dict[str, str], float]]:
    """Each range of a header: its name, its parameters and its weight; one that makes no sense weighs nothing."""
    found: list[tuple[str, dict[str, str], float]] = []
    for item in header.split(","):
        name, *rest = (part.strip() for part in item.split(";"))
        parameters = {
            key.strip().lower(): value.strip().strip('"') for key, _, value in (p.partition("=") for p in rest)
        }
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            weight = 0.0
        found.append((name.lower(), parameters, weight))
    return found
