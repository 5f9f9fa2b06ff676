"""The capelin command."""
