"""Measurements of this machine, run by hand; never part of the tests."""
