"""A bucket's listing as `aws s3api list-objects-v2` prints it, for a dump."""

from typing import Any

import msgspec

from exporter.facts.bucket.address import BucketAddress
from exporter.facts.bucket.client import Client
from exporter.facts.bucket.failure import BucketError
from exporter.facts.bucket.pace import Pace
from exporter.facts.bucket.paging import walk
from exporter.settings import Settings


def export(address: BucketAddress, settings: Settings) -> tuple[bytes, int, str]:
    """The listing of the bucket at *address* as JSON, how many objects are in it, and why it could not be read."""
    contents: list[dict[str, Any]] = []
    try:
        client = Client(address, settings.poll, Pace(address.settings.requests_per_second))
        for answer in walk(lambda token: client.list(address.prefix, token=token)):
            page = answer.page
            contents += [
                {"Key": key, "Size": size, "LastModified": modified}
                for key, size, modified in zip(page.keys, page.sizes, page.modified, strict=True)
            ]
    except BucketError as failure:
        return b"", 0, str(failure)
    body = {"Name": address.bucket, "Prefix": address.prefix, "Endpoint": address.endpoint, "Contents": contents}
    return msgspec.json.encode(body), len(contents), ""
