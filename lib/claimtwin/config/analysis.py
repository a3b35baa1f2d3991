"""The parts of a protocol that say how the matched are analysed: models, sensitivity, subgroups, gates."""

from typing import Annotated, Literal

from pydantic import Field

from claimtwin.config.strict import Strict

BinaryModel = Literal["table", "newcombe", "logit", "poisson", "standardised", "mcnemar", "conditional_logit"]
CountModel = Literal["ols", "poisson", "negative_binomial", "two_part"]
ErrorKind = Literal["nonrobust", "hc3", "cluster_pair", "cluster_employer", "cluster_both"]


class Models(Strict):
    """Models printed beside the main ones, which are logistic regression and least squares.

    ``errors`` are those of the main models beside ordinary and pair-clustered ones, which are always there;
    ``other_errors`` those of all other models. ``bootstrap_draws`` of whole pairs are for standardised risks; 0: none.
    """

    binary: list[BinaryModel] = [
        "table", "newcombe", "logit", "poisson", "standardised", "mcnemar", "conditional_logit",
    ]  # fmt: skip
    count: list[CountModel] = ["ols", "poisson", "negative_binomial", "two_part"]
    errors: list[ErrorKind] = ["hc3", "cluster_employer", "cluster_both"]
    other_errors: list[ErrorKind] = ["cluster_pair"]
    bootstrap_draws: Annotated[int, Field(ge=0, le=10_000)] = 1000
