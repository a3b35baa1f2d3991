"""A results dict and a manifest as a study writes them, typed by hand; no number of it comes from the code."""

from typing import Any

Results = dict[str, Any]
COVARIATES: dict[str, tuple[tuple[float, float, float, float | None], tuple[float, float, float, float | None]]] = {
    "age": ((46.12, 49.87, -0.312, 0.871), (46.2, 46.31, -0.009, 0.982)),
    "sex=female": ((0.6412, 0.5537, 0.179, None), (0.6393, 0.6341, 0.011, None)),
    "census_region=midwest": ((0.2034, 0.2519, -0.115, None), (0.2041, 0.2103, -0.015, None)),
    "census_region=south": ((0.4127, 0.3741, 0.079, None), (0.4119, 0.4062, 0.012, None)),
    "office_visits": ((6.83, 5.12, 0.447, 1.402), (6.71, 6.55, 0.042, 1.093)),
    "injection_visits": ((0.29, 0.21, 0.131, 1.513), (0.28, 0.21, 0.124, 1.204)),
    "log_allowed": ((7.91, 7.62, 0.218, 0.937), (7.9, 7.88, 0.015, 0.991)),
    "comorbidity_count": ((1.14, 1.41, -0.203, 0.802), (1.15, 1.16, -0.008, 0.971)),
}
CRITERIA = (
    ("candidates", "Came into the arm at any time", (6120, 35990)),
    ("index_in_window", "Index date inside the window", (5214, 30418)),
    ("age", "At least 18 years old at index", (5187, 29871)),
    ("enrolled_before", "Enrolled with medical and pharmacy benefits on each of the 365 days before", (4802, 24116)),
    ("enrolled_after", "Enrolled on each of the 365 days after", (4519, 21337)),
    ("washout", "No opioid dispensed in the 365 days before index", (4283, 18204)),
    ("one_arm", "", (4283, 17950)),
)
ONE_ARM = {"treated": "No rule for this arm", "comparator": "Not on the roster of the programme"}

WHENS = ("before", "after")


def full_results() -> Results:
    """A study with every part present, nothing withheld and a planted truth that was found."""
    return {
        "study": {
            "name": "planted",
            "title": "Digital exercise therapy against physical therapy",
            "label": "abstract-calibrated reconstruction",
            "seed": 20230727,
            "index_window": ["2020-01-01", "2020-10-31"],
        },
        "arms": {"comparator": "Physical therapy", "treated": "Digital programme"},
        "outcome_titles": {"any_opioid": "Began opioids within 12 months", "opioid_fills": "Opioid prescriptions"},
        "outcome_scales": {"any_opioid": 1, "opioid_fills": 100},
        "disclosure": {"min_cell": 11},
        "ingest": _ingest(),
        "attrition": _attrition(),
        "score": {
            "columns": ["intercept", *COVARIATES],
            "params": [-1.5, *(0.1 for _ in COVARIATES)],
            "se": [0.2, *(0.01 for _ in COVARIATES)],
            "iterations": 6,
            "n": 22233,
            "sd_logit": 0.6152,
        },
        "matching": _matching(),
        "overlap": _overlap(),
        "balance": _balance(),
        "outcomes": _outcomes(),
        "effects": [*_binary_effects(), *_count_effects()],
        "models": _models(),
        "sensitivity": _sensitivity(),
        "subgroups": _subgroups(),
        "power": [
            {
                "outcome": "any_opioid",
                "expected_risk": 0.1364,
                "risk_difference": -2.029,
                "risk_ratio": 0.8513,
                "level": 0.05,
                "power": 0.8,
            },
        ],
        "left_out": {"any_opioid": ["census_region=west"], "opioid_fills": []},
        "published": _published(),
        "assumptions": _assumptions(),
        "protocol": protocol(),
        "truth": {
            "odds_ratio": 0.57,
            "difference_per_100": -5.1,
            "risk_treated": 8.01,
            "risk_comparator": 13.28,
            "crude_odds_ratio": 0.4137,
            "text": "Risks were planted by a two-part generator.",
        },
    }


def withheld_results() -> Results:
    """The same study with a withheld number wherever there can be one, and no truth."""
    results = full_results()
    results["truth"] = None
    results["ingest"][0] |= {"accepted": None, "rejected": None, "reasons": {"no_person": None}}
    for row in results["attrition"]:
        row |= {"remaining": None, "if_dropped": None}
    results["matching"] |= {"pairs": None, "treated": None, "unmatched_treated": None, "comparators": None}
    results["matching"]["effective"] = [{"when": when, "treated": None, "comparator": None} for when in WHENS]
    results["matching"]["reasons"] = {"outside caliper": None}
    results["matching"]["blocks"] = [{"block": "hip", "treated": None, "comparator": None, "pairs": None}]
    for arm in ("treated", "comparator"):
        results["overlap"][arm] = [None] * 20
    for row in results["balance"]:
        row |= {"mean_treated": None, "mean_comparator": None, "smd": None, "variance_ratio": None}
    for row in results["outcomes"]:
        row |= dict.fromkeys(("n", "people", "percent", "low", "high", "total", "per_100", "sd"))
    results["power"] = []
    for row in (*results["subgroups"]["groups"], *results["subgroups"]["without_employer"]):
        row |= dict.fromkeys(("estimate", "low", "high", "p_value")) | {"note": "withheld: small cell"}
        row |= {name: None for name in row if name.startswith(("n_", "people_"))}
    for row in results["subgroups"]["tests"]:
        row |= dict.fromkeys(("p_value", "holm", "fdr", "fixed", "random", "tau2", "i2", "q", "q_p_value"))
        row |= {"used": 0, "note": "fewer than two groups with an effect", "pool_note": "fewer than two estimates"}
    for name in ("e_values", "tipping", "confounders", "rosenbaum"):
        for row in results["sensitivity"][name]:
            kept = {"outcome", "test", "critical", "adjusted", "errors"}
            row |= dict.fromkeys(set(row) - kept) | {"note": "withheld: small cell"}
            row |= {key: 0.5 for key in row if key.startswith("prevalence")}
    results["sensitivity"]["confounders"][0]["risk_ratio"] = 2.0
    results["sensitivity"] |= {"null": None, "null_note": "", "calibrated": []}
    for row in (*results["effects"], *results["models"]):
        row |= {"estimate": None, "low": None, "high": None, "p_value": None, "note": "withheld: small cell"}
    return results


def manifest() -> dict[str, Any]:
    """What a run writes beside its results."""
    return {
        "code_version": "0.1.0",
        "protocol_hash": "5f2c8a" + "0" * 58,
        "result_hash": "c01dbeef" + "0" * 56,
        "seed": 20230727,
        "libraries": {"pyspark": "4.2.0", "numpy": "2.4.1"},
        "tables": [
            {"table": "/somewhere/claims/eligibility", "version": 3, "stamp": "aa11bb22cc33dd44"},
            {"table": "main.claims.medical_claim", "version": 7, "stamp": "bb22"},
        ],
    }


def protocol() -> dict[str, Any]:
    """A checked protocol with windows that differ from one another, so that none can stand for another."""
    return {
        "population": {"age_min": 18, "age_max": None},
        "enrollment": {"pre_days": 365, "post_days": 366, "max_gap_days": 30, "benefits": ["medical", "pharmacy"]},
        "arms": {
            "treated": {"name": "digital", "title": "Digital programme", "source": "program", "procedures": None},
            "comparator": {
                "name": "pt",
                "title": "Physical therapy",
                "source": "claims",
                "procedures": ["97001-97004", "97010-97799"],
                "require_region": True,
                "pick": "first_in_window",
            },
            "overlap": "exclude_roster",
        },
        "washout": {"codes": "opioid", "days": 180, "include_index_day": False},
        "score": {"covariates": ["age"], "lookback_days": 270},
        "matching": {"caliper_sd": 0.2, "block_keys": ["body_region"]},
        "outcomes": [
            {"name": "any_opioid", "kind": "binary", "drug": "opioid", "care": None, "window": [1, 364], "scale": 1},
            {"name": "opioid_fills", "kind": "count", "drug": None, "care": "surgery", "window": [0, 99], "scale": 100},
        ],
        "adjust": ["age", "office_visits"],
    }


def _ingest() -> list[dict[str, Any]]:
    reasons = {"end before start": 31, "no person": 17}
    return [
        {"table": "eligibility", "rows_in": 41207, "accepted": 41162, "rejected": 45, "reasons": reasons},
        {"table": "pharmacy_claim", "rows_in": 98311, "accepted": 98311, "rejected": 0, "reasons": {}},
    ]


def _attrition() -> list[dict[str, Any]]:
    ends = {"treated": 4283, "comparator": 17950}
    return [
        {
            "arm": arm,
            "criterion": name,
            "text": text or ONE_ARM[arm],
            "remaining": left[side],
            "if_dropped": ends[arm] + 100 * step if step else None,
        }
        for side, arm in enumerate(("treated", "comparator"))
        for step, (name, text, left) in enumerate(CRITERIA)
    ]


def _matching() -> dict[str, Any]:
    return {
        "pairs": 4195,
        "treated": 4283,
        "unmatched_treated": 88,
        "comparators": 17950,
        "effective": [
            {"when": "before", "treated": 4283, "comparator": 17950},
            {"when": "after", "treated": 4195, "comparator": 4195},
        ],
        "caliper_sd": 0.2,
        "caliper": 0.12304,
        "block_keys": ["body_region"],
        "reasons": {"nobody left in block": 19, "outside caliper": 69},
        "invariants": {"outside_block": 0, "outside_caliper": 0, "used_twice": 0, "wrong_arm": 0, "not_eligible": 0},
        "blocks": [
            {"block": "back", "treated": 2311, "comparator": 9120, "pairs": 2270},
            {"block": "knee", "treated": 1972, "comparator": 8830, "pairs": 1925},
        ],
    }


def _overlap() -> dict[str, Any]:
    treated = [0, 12, 60, 151, 301, 480, 610, 640, 590, 470, 350, 240, 150, 91, 60, 38, 20, 20, 0, 0]
    comparator = [310, 2100, 3900, 3800, 2900, 1900, 1200, 760, 450, 270, 160, 90, 50, 30, 18, 12, None, 0, 0, 0]
    return {"edges": [step / 20 for step in range(21)], "treated": treated, "comparator": comparator}


def _balance() -> list[dict[str, Any]]:
    return [
        {
            "covariate": name,
            "when": when,
            "mean_treated": row[0],
            "mean_comparator": row[1],
            "smd": row[2],
            "variance_ratio": row[3],
        }
        for name, stages in COVARIATES.items()
        for when, row in zip(("before", "after"), stages, strict=True)
    ]


def _outcomes() -> list[dict[str, Any]]:
    keys = ("outcome", "scope", "arm", "n", "people", "percent", "low", "high", "total", "per_100", "sd")
    rows = (
        ("any_opioid", "matched", "comparator", 4195, 572, 13.635, 12.597, 14.674, 572, 13.635, 0.343),
        ("any_opioid", "matched", "treated", 4195, 331, 7.89, 7.074, 8.706, 331, 7.89, 0.27),
        ("opioid_fills", "matched", "treated", 4195, 331, 7.89, 7.074, 8.706, 702, 16.734, 0.867),
        ("opioid_fills", "matched", "comparator", 4195, 572, 13.635, 12.597, 14.674, 938, 22.36, 0.783),
        ("any_opioid", "candidates", "treated", 4283, 339, 7.915, 7.107, 8.724, 339, 7.915, 0.27),
        ("any_opioid", "candidates", "comparator", 17950, 3010, 16.769, 16.222, 17.315, 3010, 16.769, 0.374),
    )
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _effect(outcome: str, measure: str, adjusted: bool, errors: str, *figures: float) -> dict[str, Any]:
    estimate, low, high, p = figures
    return {"outcome": outcome, "measure": measure, "adjusted": adjusted, "errors": errors, "estimate": estimate,
            "low": low, "high": high, "p_value": p, "n": 8390, "note": ""}  # fmt: skip


def _binary_effects() -> list[dict[str, Any]]:
    return [
        _effect("any_opioid", "odds_ratio", False, "nonrobust", 0.543, 0.471, 0.626, 2e-16),
        _effect("any_opioid", "odds_ratio", False, "cluster_pair", 0.543, 0.472, 0.625, 2e-16),
        _effect("any_opioid", "odds_ratio", True, "nonrobust", 0.521, 0.451, 0.602, 2e-16),
        _effect("any_opioid", "odds_ratio", True, "cluster_pair", 0.521, 0.452, 0.601, 2e-16),
        _effect("any_opioid", "risk_ratio", False, "nonrobust", 0.579, 0.509, 0.658, 2e-16),
        _effect("any_opioid", "relative_reduction", False, "nonrobust", 42.133, 34.186, 49.121, 2e-16),
        _effect("any_opioid", "risk_difference", False, "nonrobust", -5.745, -7.066, -4.424, 2e-16),
    ]


def _count_effects() -> list[dict[str, Any]]:
    return [
        _effect("opioid_fills", "difference_per_scale", False, "nonrobust", -5.626, -9.162, -2.09, 0.00182),
        _effect("opioid_fills", "difference_per_scale", False, "cluster_pair", -5.626, -9.171, -2.081, 0.00187),
        _effect("opioid_fills", "difference_per_scale", True, "nonrobust", -6.402, -9.878, -2.926, 0.00031),
        _effect("opioid_fills", "difference_per_scale", True, "cluster_pair", -6.402, -9.891, -2.913, 0.00032),
    ]


def _models() -> list[dict[str, Any]]:
    rows = (
        ("table", _effect("any_opioid", "number_needed", False, "nonrobust", 17.407, 14.153, 22.604, 2e-16)),
        ("poisson", _effect("any_opioid", "risk_ratio", False, "cluster_pair", 0.579, 0.511, 0.656, 2e-16)),
        ("poisson", _effect("any_opioid", "risk_ratio", True, "cluster_pair", 0.563, 0.497, 0.638, 2e-16)),
        ("mcnemar", _effect("any_opioid", "odds_ratio", False, "within_pairs", 0.541, 0.468, 0.624, 2e-16)),
        ("two_part", _effect("opioid_fills", "mean_ratio", False, "cluster_pair", 1.293, 1.114, 1.501, 0.0007)),
    )
    missing = _effect("opioid_fills", "rate_ratio", False, "cluster_pair", *[0.0] * 4)
    missing |= dict.fromkeys(("estimate", "low", "high", "p_value")) | {"note": "the model does not converge"}
    return [{**row, "model": name} for name, row in (*rows, ("negative_binomial", missing))]


def _subgroups() -> dict[str, Any]:
    base = {"outcome": "any_opioid", "measure": "odds_ratio", "p_value": 0.0002, "note": ""}
    fixed = {"estimate": 0.547, "low": 0.472, "high": 0.634, "p_value": 2e-15}
    return {
        "groups": [
            {**base, "by": "body_region", "level": "back", "n_treated": 2270, "n_comparator": 2270,
             "people_treated": 184, "people_comparator": 322, "estimate": 0.533, "low": 0.441, "high": 0.645},
            {**base, "by": "body_region", "level": "hip", "n_treated": 214, "n_comparator": 214,
             "people_treated": None, "people_comparator": None, "estimate": None, "low": None, "high": None,
             "p_value": None, "note": "withheld: small cell"},
        ],
        "tests": [
            {"outcome": "any_opioid", "by": "body_region", "groups": 5, "used": 4, "p_value": 0.031, "note": "",
             "holm": 0.062, "fdr": 0.047, "fixed": fixed, "random": {**fixed, "low": 0.461, "high": 0.649},
             "tau2": 0.011, "i2": 0.281, "q": 4.17, "q_p_value": 0.244, "pool_note": ""},
        ],
        "without_employer": [
            {**base, "employer": "E1", "estimate": 0.551, "low": 0.476, "high": 0.638},
            {**base, "employer": "E2", "estimate": 0.538, "low": 0.465, "high": 0.622},
        ],
    }  # fmt: skip


def _sensitivity() -> dict[str, Any]:
    bound = {"outcome": "any_opioid", "test": "mcnemar", "critical": False, "note": ""}
    return {
        "e_values": [
            {"outcome": "any_opioid", "adjusted": True, "errors": "cluster_pair", "note": "", "rare": True,
             "estimate": 0.521, "low": 0.452, "high": 0.601, "point": 3.249, "limit": 2.713},
        ],
        "tipping": [
            {"outcome": "any_opioid", "prevalence_higher_risk": 0.4, "prevalence_lower_risk": 0.2, "point": 57.3,
             "limit": 10.91, "note": ""},
            {"outcome": "any_opioid", "prevalence_higher_risk": 0.3, "prevalence_lower_risk": 0.2, "point": None,
             "limit": None, "note": ""},
        ],
        "confounders": [
            {"outcome": "any_opioid", "prevalence_treated": 0.2, "prevalence_comparator": 0.4, "risk_ratio": 2.0,
             "estimate": 0.608, "low": 0.527, "high": 0.701, "note": ""},
        ],
        "rosenbaum": [
            {**bound, "gamma": 1.5, "p_low": 1e-30, "p_high": 0.0042},
            {**bound, "gamma": 1.631, "p_low": None, "p_high": 0.05, "critical": True},
            {**bound, "outcome": "opioid_fills", "test": "signed_rank", "gamma": None, "p_low": None, "p_high": None,
             "note": "no pair differs"},
        ],
        "null": {"mean": 0.0213, "sd": 0.0871, "expected_error": 0.0714},
        "null_note": "",
        "calibrated": [
            {"outcome": "any_opioid", "adjusted": True, "errors": "cluster_pair", "estimate": 0.511, "low": 0.411,
             "high": 0.634, "p_value": 1.3e-9},
        ],
    }  # fmt: skip


def _published() -> list[dict[str, Any]]:
    return [
        {"outcome": "any_opioid", "measure": "odds_ratio", "estimate": 0.53, "low": 0.44, "high": 0.61,
         "text": "adjusted odds ratio of the abstract"},
        {"outcome": "opioid_fills", "measure": "difference_per_scale", "estimate": -6.4, "low": -9.88, "high": -2.93,
         "text": "adjusted beta per 100 of the abstract"},
    ]  # fmt: skip


def _assumptions() -> list[dict[str, Any]]:
    return [
        {"key": "study.index_window", "value": ["2020-01-01", "2020-10-31"], "origin": "stated in the abstract",
         "alternatives": ""},
        {"key": "enrollment", "value": {"pre_days": 365, "max_gap_days": 0}, "origin": "our choice",
         "alternatives": "gaps of 30 or 45 days"},
        {"key": "matching.caliper_sd", "value": 0.2, "origin": "our choice", "alternatives": "0.1; none"},
    ]  # fmt: skip
