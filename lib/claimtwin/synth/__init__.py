"""Claims with a planted truth."""

from claimtwin.synth.calendar import DATA_THROUGH
from claimtwin.synth.catalogue import opioid_codes
from claimtwin.synth.frames import synth_frames
from claimtwin.synth.spec import NO_DIRT, Cause, Dirt, Fills, SynthSpec, checked_spec
from claimtwin.synth.truth import SynthTruth, truth_of

__all__ = [
    "DATA_THROUGH",
    "NO_DIRT",
    "Cause",
    "Dirt",
    "Fills",
    "SynthSpec",
    "SynthTruth",
    "checked_spec",
    "opioid_codes",
    "synth_frames",
    "truth_of",
]
