"""The way in: session, command line, progress."""
