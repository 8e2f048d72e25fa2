"""The cluster's objects: from an API server or from files, through the same decoder."""
