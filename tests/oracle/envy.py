"""The certificate by definition: each treated looks at each control."""

from tests.oracle.greedy import ByHand


def envious_by_hand(people, rules, triples):
    """Number of treated who prefer a control that is free, or is taken by a couple that goes after theirs."""
    game, envious = ByHand(people, rules), set()
    for rank in range(1, rules.ratio + 1):
        now = {t: c for t, c, r in triples if r == rank}
        envious |= envious_in_a_round(game, rank, now)
        for t, c in now.items():
            game.take(t, c)
    return len(envious)


def envious_in_a_round(game, rank, now):
    asking = [t for t in game.twins if len(game.twins[t]) == rank - 1]
    owner = {c: t for t, c in now.items()}
    turn = {t: game.turn(t) for t in asking if game.wish(t)} if game.rules.order != "closest" else {}

    def goes_after(other, wish, t):
        if turn:
            return turn[other] > turn[t]
        theirs = next(w[0] for w in game.wishes[other] if w[3] == wish[3])
        return (theirs, game.tie(other)) > (wish[0], game.tie(t))

    return {
        t
        for t in asking
        for wish in preferred(game.wishes[t], now.get(t))
        if game.taken[wish[3]] == 0 and (wish[3] not in owner or goes_after(owner[wish[3]], wish, t))
    }


def preferred(wishes, own):
    """Those before the own twin; all, if there is none."""
    names = [wish[3] for wish in wishes]
    return wishes[: names.index(own)] if own in names else wishes
