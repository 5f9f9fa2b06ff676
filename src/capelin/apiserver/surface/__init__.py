"""What clients ask for besides objects: discovery, OpenAPI, tables, other encodings."""
