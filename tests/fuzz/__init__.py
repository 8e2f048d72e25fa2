"""Damaged input for the decoders, the readers of files, and the judge."""
