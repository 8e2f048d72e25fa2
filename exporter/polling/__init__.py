"""Reading each source at its own rhythm, and judging again whenever facts have come."""
