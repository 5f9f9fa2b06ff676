"""Virtual time, faults, invariants."""
