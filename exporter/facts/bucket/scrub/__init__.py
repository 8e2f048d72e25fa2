"""Reading the repositories' objects and comparing them with their names. No password is needed for it."""
