"""What must be true at every moment of every run, whatever goes wrong."""
