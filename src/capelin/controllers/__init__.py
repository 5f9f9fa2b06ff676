"""What happens: one package per kind."""
