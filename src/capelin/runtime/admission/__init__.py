"""Admission over the wire: reviews, the handler that answers them, and what makes API servers ask it and trust it."""
