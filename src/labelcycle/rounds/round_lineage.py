"""Which closed rounds the campaign stands on, after it was rolled back. Pure: records in, numbers
out.

Numbers are never used again. So rounds form a tree: a round follows the one before it, but for the
first one after a rollback, which follows the round that the campaign was rolled back to.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from labelcycle.campaign.records.rollback_record import Rollback
from labelcycle.errors import DataError


@dataclass(frozen=True)
class Lineage:
    """What a round stands on.

    standing : numbers of the rounds that lead to it, in order
    counting : of those whose answers and labels count: these, and rolled back ones that are used
    """

    standing: tuple[int, ...] = ()
    counting: frozenset[int] = frozenset()

    @property
    def last(self) -> int | None:
        """The round before; None if there is none."""
        return self.standing[-1] if self.standing else None


def before(rollbacks: Iterable[Rollback], number: int) -> Lineage:
    """What round `number` stands on; it need not exist yet.

    >>> def rollback(to, next, answers):
    ...     return Rollback(to, next, answers, "", "", "")
    >>> before([rollback(1, 4, "apart")], 5)
    Lineage(standing=(0, 1, 4), counting=frozenset({0, 1, 4}))
    >>> before([rollback(1, 4, "use")], 4)
    Lineage(standing=(0, 1), counting=frozenset({0, 1, 2, 3}))
    """
    last = {rollback.next: rollback for rollback in rollbacks}  # of several at once the last
    after: list[Lineage] = []
    present = Lineage()
    for each in range(number + 1):
        if each:
            standing, counting = (*present.standing, each - 1), present.counting | {each - 1}
            present = Lineage(standing, counting)
            after.append(present)
        if each in last:
            if last[each].to not in range(each):
                raise DataError(
                    f"a rollback before round {each} leads to round {last[each].to}: wanted an"
                    " earlier one; restore rounds/rollbacks.jsonl with `git checkout`"
                )
            target = after[last[each].to]
            used = present.counting if last[each].answers == "use" else frozenset()
            present = Lineage(target.standing, target.counting | used)
    return present
