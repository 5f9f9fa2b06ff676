"""What may be declared: one module per kind, pure types."""
