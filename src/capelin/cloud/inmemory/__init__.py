"""Simulated machines and workload clusters."""
