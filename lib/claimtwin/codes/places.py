"""Places of service of the settings that are told by where a line was, and not by what was done."""

SETTING_PLACES = {
    "outpatient": ("19", "22"),
    "telehealth": ("02", "10"),
    "urgent_care": ("17", "20"),
    "health_center": ("50", "72"),
    "inpatient": ("21",),
}
"""CMS place of service codes: outpatient departments of hospitals, telehealth elsewhere and at home, walk-in retail and
urgent care, federally qualified health centres and rural clinics, and stays in hospital.

Source: CMS Place of Service Code Set, cms.gov/medicare/coding-billing/place-of-service-codes. Read 2026-11-24.
"""
