"""Capelin: a Cluster API control plane in Python."""

__version__ = "0.1.0"
