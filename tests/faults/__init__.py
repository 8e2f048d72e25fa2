"""Every fault against the real process, with healthy sources beside it: `make faults` writes docs/faults.md."""
