"""The only reads, writes and actions of the project."""
