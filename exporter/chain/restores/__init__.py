"""Restores as evidence of a claim's backups.

`readers` finds the ReplicationDestinations that restore from where a source writes, `evidence` judges what each of them
proves, and `unproven` says where somebody asks for more proof than there is.
"""
