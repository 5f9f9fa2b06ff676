"""What may be in an object, and how writes of several people become one: pure functions over documents."""
