"""``python -m claimtwin`` is the command ``claimtwin``."""

from claimtwin.app.cli import main

if __name__ == "__main__":
    main()
