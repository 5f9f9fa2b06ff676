"""Regular expressions in RE2's syntax and linear time: a Thompson automaton with captures.

Neither Python's `re`, which can take time that doubles with each character, nor the RE2 of the CEL library, which tells one capture and no
places, can replace and split as Go does.
"""
