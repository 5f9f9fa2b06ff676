"""Talking to clouds."""
