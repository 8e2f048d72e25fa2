"""The links of the chain, one module each.

Each module's `judge` takes a backup and answers with the link's verdict, or None where the link does not apply.
Their order stands in `exporter.chain.walk`.
"""
