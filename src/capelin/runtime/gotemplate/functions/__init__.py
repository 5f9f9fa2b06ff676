"""The functions that a template may call, by family."""
