"""`claimtwin histories` for spark-submit; same options, same function."""

import sys

from claimtwin.app.cli import main

if __name__ == "__main__":
    main(["histories", *sys.argv[1:]])
