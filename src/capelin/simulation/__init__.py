"""Every crash, every stale read: the real controllers in virtual time, under faults drawn from a seed."""
