"""Restoring one claim after another into a throw-away volume, to see that something comes back.

The only part that writes: one ReplicationDestination for each source, of which VolSync makes the volume, fills it and
removes it. `plan` chooses, `manifest` writes the object, `run` goes through them, `cluster` asks the API server.
"""
