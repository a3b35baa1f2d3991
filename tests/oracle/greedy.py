"""The match as a person would make it by hand: look at every couple, in Python numbers. Shares nothing with the kernel.

A unit is a dict of ``treated``, ``score``, ``tie``, ``block``, ``differ``, ``near``, ``space``; its name is its place.
"""

from math import inf, isinf, sqrt

MASK = 2**64 - 1


def distance_of(one, other):
    if one["space"]:
        total = 0.0
        for a, b in zip(one["space"], other["space"], strict=True):
            total += (a - b) ** 2
        return sqrt(total)
    return score_gap(one, other)


def score_gap(one, other):
    return 0.0 if one["score"] == other["score"] else abs(one["score"] - other["score"])


def may_be_pair(one, other, rules):
    if one["block"] != other["block"] or any(a == b for a, b in zip(one["differ"], other["differ"], strict=True)):
        return False
    if isinf(distance_of(one, other)) or (rules.caliper is not None and score_gap(one, other) > rules.caliper):
        return False
    for a, b, width in zip(one["near"], other["near"], rules.widths, strict=True):
        if (width >= 0 and abs(a - b) > width) or (width < 0 and abs(a - b) < -width):
            return False
    return True


def splitmix(word):
    word = (word + 0x9E3779B97F4A7C15) & MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def match_by_hand(people, rules):
    """Set of (treated, control, rank), before the floor is looked at."""
    return ByHand(people, rules).match()


class ByHand:
    """Who has whom, and who still wants whom: (distance, side and score, tie, name) of each control, the best first."""

    def __init__(self, people, rules):
        self.people, self.rules = people, rules
        control = [c for c, p in enumerate(people) if not p["treated"]]
        self.taken = dict.fromkeys(control, 0)
        self.most = inf if rules.replace and rules.max_reuse is None else (rules.max_reuse or 1)
        self.twins = {t: [] for t, p in enumerate(people) if p["treated"]}
        self.wishes = {
            t: sorted(self.liking(t, c) for c in control if may_be_pair(people[t], people[c], rules))
            for t in self.twins
        }

    def liking(self, t, c):
        """Nearest first, then the lower score, then the smaller tie key.

        On a line two controls on one side may be equally near only because their distances are rounded; there
        the nearer one comes first all the same.
        """
        one, other = self.people[t], self.people[c]
        lower = other["score"] <= one["score"]
        toward = (0, -other["score"]) if lower and not one["space"] else (int(not one["space"]), other["score"])
        return distance_of(one, other), toward, other["tie"], c

    def wish(self, t):
        """The best control that is still to be had."""
        free = (w for w in self.wishes[t] if self.taken[w[3]] < self.most and w[3] not in self.twins[t])
        return next(free, None)

    def take(self, t, c):
        self.taken[c] += 1
        self.twins[t].append(c)

    def tie(self, t):
        return self.people[t]["tie"], t

    def match(self):
        for rank in range(1, self.rules.ratio + 1):
            asking = [t for t in self.twins if len(self.twins[t]) == rank - 1 and self.wish(t)]
            if self.rules.order == "closest":
                self.nearest_couple_first(asking)
            else:
                self.one_by_one(sorted(asking, key=self.turn))
        return {(t, c, rank) for t in self.twins for rank, c in enumerate(self.twins[t], 1)}

    def one_by_one(self, queue):
        for t in queue:
            if w := self.wish(t):
                self.take(t, w[3])

    def nearest_couple_first(self, asking):
        while couples := [(self.wish(t)[0], self.tie(t), self.wish(t), t) for t in asking if self.wish(t)]:
            _, _, w, t = min(couples)
            self.take(t, w[3])
            asking.remove(t)

    def turn(self, t):
        """What the treated are sorted by."""
        person, seed = self.people[t], self.rules.seed
        return {
            "largest": (-person["score"], self.tie(t)),
            "smallest": (person["score"], self.tie(t)),
            "data": self.tie(t),
            "random": (splitmix((person["tie"] + splitmix(seed)) & MASK), t),
            "farthest": (-self.wish(t)[0], self.tie(t)),
        }[self.rules.order]


def most_pairs(people, rules):
    """Size of the largest set of pairs, by augmenting paths."""
    control = [k for k, p in enumerate(people) if not p["treated"]]
    owner = {}

    def place(t, seen):
        for c in control:
            if c not in seen and may_be_pair(people[t], people[c], rules):
                seen.add(c)
                if c not in owner or place(owner[c], seen):
                    owner[c] = t
                    return True
        return False

    return sum(place(t, set()) for t, p in enumerate(people) if p["treated"])
