"""`claimtwin run` for spark-submit: a whole study; same options, same function."""

import sys

from claimtwin.app.cli import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
