"""Talking to the clusters we manage."""
