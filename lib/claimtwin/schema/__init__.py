"""The contract of every table."""
