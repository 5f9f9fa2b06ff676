"""Admission: webhooks that are asked before something is written, as the stored configurations declare."""
