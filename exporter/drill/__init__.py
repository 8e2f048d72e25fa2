"""Restoring one claim after another into a temporary volume, to prove that its data can be restored.

The only part that writes: one ReplicationDestination for each source, of which VolSync makes the volume, fills it and
removes it. `plan` chooses, `manifest` writes the object, `run` goes through them, `cluster` asks the API server.
"""
