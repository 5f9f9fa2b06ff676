"""Machine: from a reference to bootstrap and infrastructure to a healthy Node, and back."""
