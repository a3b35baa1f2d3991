"""The rules of the study in numpy, on member-sorted columns."""
