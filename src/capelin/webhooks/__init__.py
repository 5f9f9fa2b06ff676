"""What is allowed: one module per kind."""
