"""One adapter a feed format: columns mapped, nothing judged."""
