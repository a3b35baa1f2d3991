"""Settling as a clerk would do it with a stack of slips: one slip at a time, the stack in the order of its text."""

from decimal import Decimal


def below(slip, *names):
    return any(slip[name] is not None and Decimal(slip[name]) < 0 for name in names)


def size(text):
    return None if text is None else abs(Decimal(text))


def settle(slips, key, takes_back, amount, how, duplicates):
    """Fate of each slip: null for what stays. Slips are dicts; a copy of one is another slip."""
    fates = [None] * len(slips)
    order = sorted(range(len(slips)), key=lambda k: [(v is not None, v or "") for v in slips[k].values()])
    rounds = {"new_id": [net], "same_id_code": [last_version], "mixed": [net, last_version]}[how]
    if duplicates == "before_netting":
        rounds = [drop_copies, *rounds]
    if duplicates == "after_netting":
        rounds = [*rounds, drop_copies]
    for one in rounds:
        one(slips, [k for k in order if fates[k] is None], fates, key, takes_back, amount)
    return fates


def net(slips, left, fates, key, takes_back, amount):
    """Every slip that takes back looks for the first slip alike that is still on the stack."""
    for k in left:
        if not takes_back(slips[k]):
            continue
        free = [j for j in left if fates[j] is None and not takes_back(slips[j])]
        alike = [j for j in free if agree(slips[j], slips[k], key) and size(slips[j][amount]) == size(slips[k][amount])]
        fates[k] = "settled_reversal" if alike else "settled_orphan"
        if alike:
            fates[alike[0]] = "settled_reversed"


def agree(one, other, names):
    return all(one[name] == other[name] for name in names)


def last_version(slips, left, fates, key, takes_back, amount):
    """Slips of one line number on a pile in the order they were paid: equal ones cancel, then the last one stands."""
    lines = {}
    for k in left:
        lines.setdefault(tuple(slips[k][n] for n in ("data_source", "claim_id", "claim_line_number")), []).append(k)
    for mine in lines.values():
        paid = {k: slips[k]["paid_date"] or "" for k in mine}
        pile = sorted(mine, key=lambda k: paid[k])
        services = [k for k in pile if not takes_back(slips[k])]
        takings = [k for k in pile if takes_back(slips[k])]
        spare = []
        for k in takings:
            alike = [j for j in services if fates[j] is None and size(slips[j][amount]) == size(slips[k][amount])]
            fates[k] = "settled_reversal" if alike else "settled_orphan"
            spare += [] if alike else [k]
            if alike:
                fates[alike[0]] = "settled_reversed"
        if services:
            close_line(slips, paid, services, takings, spare, fates, amount)


def close_line(slips, paid, services, takings, spare, fates, amount):
    """The last service of the last day, one not taken back if there is one; a later taking may still undo it."""
    newest = [k for k in services if paid[k] == paid[services[-1]]]
    last = ([k for k in newest if fates[k] is None] or newest)[-1]
    same = [k for k in takings if size(slips[k][amount]) == size(slips[last][amount])]
    undone = [k for k in {*spare, *same} if paid[k] > paid[last]]
    for k in undone:
        fates[k] = "settled_reversal"
    for k in services:
        if fates[k] is None and k == last and undone:
            fates[k] = "settled_reversed"
        elif fates[k] is None and k != last:
            fates[k] = "settled_replaced"


def drop_copies(slips, left, fates, key, takes_back, amount):
    seen = []
    for k in left:
        if slips[k] in seen:
            fates[k] = "settled_duplicate"
        seen.append(slips[k])
