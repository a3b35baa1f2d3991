"""Units as the plain numbers that a match by hand reads."""

from claimtwin.kernel.matching import Units


def people_of(units: Units) -> list[dict[str, object]]:
    names = ("treated", "score", "tie", "block", "differ", "near", "space")
    columns = [getattr(units, name).tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
