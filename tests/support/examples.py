"""How many random histories an oracle test tries: 100, or as many as ``CLAIMTWIN_EXAMPLES`` says."""

import os

from hypothesis import settings

many_histories = settings(max_examples=int(os.environ.get("CLAIMTWIN_EXAMPLES", "100")), deadline=None)
