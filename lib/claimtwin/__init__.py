"""Claimtwin: matched comparisons on claims, the same on a laptop and on a cluster.

``match`` and ``balance`` work on units of your own, without a study; they are imported when first asked for, so that
``import claimtwin`` stays light.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claimtwin.study.matching.api import balance, match

__version__ = "0.1.0"
__all__ = ["__version__", "balance", "match"]


def __getattr__(name: str) -> Any:
    if name in ("balance", "match"):
        from claimtwin.study.matching import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
