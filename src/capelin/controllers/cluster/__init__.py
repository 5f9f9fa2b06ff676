"""Cluster: infrastructure, control plane and workers brought together, watched over, and taken down in order."""
