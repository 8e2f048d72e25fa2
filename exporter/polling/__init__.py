"""Reading each source at its own rhythm, and judging anew whenever facts have come."""
