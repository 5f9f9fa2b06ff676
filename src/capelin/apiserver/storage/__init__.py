"""Objects at revisions, and what makes them durable."""
