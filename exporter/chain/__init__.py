"""The verdict: the facts and a moment in, one state and at most one blocking cause per claim out. No I/O, no clock."""
