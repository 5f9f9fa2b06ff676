"""Rules that several kinds keep, by what they are about."""
