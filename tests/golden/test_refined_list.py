"""The shipped Elixhauser groups, refined, against the list that AHRQ publishes, code by code.

AHRQ HCUP, CMR-Reference-File-v2026-1.xlsx (2025-10-01; its sha256 is in SOURCES.md of the lists), sheet
DX_to_Comorb_Mapping: 4,567 codes of ICD-10-CM of October 2015 to September 2026. ``PUBLISHED`` is the sha256 of
its lines ``code,group``, sorted, with CBVD_POA and CBVD_SQLA as cbvd:

    head, *rows = list(openpyxl.load_workbook(file)["DX_to_Comorb_Mapping"].values)[1:]
    names = ["cbvd" if name.startswith("CBVD") else name.lower() for name in head[3:]]
    lines = sorted({f"{r[0]},{n}\\n" for r in rows for n, met in zip(names, r[3:]) if met == 1})
    hashlib.sha256("".join(lines).encode()).hexdigest()
"""

import hashlib
import json

import numpy as np
from claimtwin.codes.rules import group_flags, group_names

from tests.support.shared import shared_data

PUBLISHED = "70dc65202d8b27980cf263f04b7b9595048e97e506197f3a961ddfc805bf9e4d"


def billable() -> list[str]:
    """Codes that a claim may have had in some year: those of CCSR, and of April 2026 those that no code continues."""
    folder = shared_data("icd10-ccsr-gem")
    text = (folder / "icd10cm-code-list-April-2026.txt").read_text()
    new = sorted({code for code in text.split() if "-" not in code})
    longer = [*new[1:], ""]
    leaves = {code for code, after in zip(new, longer, strict=True) if not after.startswith(code)}
    known = set(json.loads((folder / "dx_cat1_mapping.json").read_text()))
    return sorted(code for code in leaves | known if len(code) > 2 and code != "NoDx")


def test_the_rules_hold_the_published_codes_and_no_other() -> None:
    codes, names = billable(), group_names("elixhauser_refined")
    met = group_flags(codes, "elixhauser_refined", "icd-10-cm")
    lines = sorted(f"{codes[row]},{names[group]}\n" for row, group in zip(*np.nonzero(met), strict=True))
    assert len(codes) > 74_000
    assert (len(names), int(met.any(axis=1).sum()), len(lines)) == (38, 4_567, 4_690)
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == PUBLISHED
