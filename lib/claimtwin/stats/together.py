"""Several propensity models fitted side by side, so that one pass over the data serves a step of each."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue

from claimtwin.errors import GuardError
from claimtwin.stats.exact import FloatArray
from claimtwin.stats.moments import Moments
from claimtwin.stats.newton import LogitFit, LogitSums, fit_logit

Ask = dict[int, FloatArray]
Found = LogitFit | GuardError
Inbox = SimpleQueue[tuple[int, FloatArray | LogitFit | Exception]]
Answer = SimpleQueue[LogitSums | None]


def fit_together(
    sums_at: Callable[[Ask], Mapping[int, LogitSums]],
    moments: Mapping[int, Moments],
    columns: Mapping[int, Sequence[str]],
) -> dict[int, Found]:
    """Fit every model by ``stats.newton.fit_logit``; a model that cannot be fitted gives its error as its result.

    Args:
        sums_at: Sums of all rows of each model asked about, at the coefficients asked about; called from this thread
            only, once all models that are still climbing have asked.
        moments, columns: Of each model, by its number.

    The figures are those of a fit alone: who else is fitted decides only when a sum is made.
    """
    inbox: Inbox = SimpleQueue()
    answers: dict[int, Answer] = {number: SimpleQueue() for number in moments}
    found: dict[int, Found] = {}
    waiting: Ask = {}
    if not moments:
        return found
    with ThreadPoolExecutor(len(moments)) as pool:
        for number in moments:
            pool.submit(_climb, number, moments[number], columns[number], inbox, answers[number])
        try:
            while len(found) < len(moments):
                number, told = inbox.get()
                if isinstance(told, LogitFit | GuardError):
                    found[number] = told
                elif isinstance(told, Exception):
                    raise told
                else:
                    waiting[number] = told
                if waiting and len(waiting) + len(found) == len(moments):
                    for asked, sums in sums_at(dict(waiting)).items():
                        answers[asked].put(sums)
                    waiting.clear()
        except BaseException:
            for queue in answers.values():
                queue.put(None)  # nobody may be left waiting: the pool ends only when all have
            raise
    return found


def _climb(number: int, moments: Moments, columns: Sequence[str], inbox: Inbox, answer: Answer) -> None:
    try:
        inbox.put((number, fit_logit(partial(_ask, number, inbox, answer), moments, columns)))
    except Exception as fault:  # whatever it is belongs to the thread that waits for this one
        inbox.put((number, fault))


def _ask(number: int, inbox: Inbox, answer: Answer, beta: FloatArray) -> LogitSums:
    inbox.put((number, beta))
    sums = answer.get()
    if sums is None:
        raise GuardError("the fit was given up", "score", "every model that asks is answered", "see the first error")
    return sums
