#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""bisect-rates.py [BISECTS]: simulated bisects of failures, for the table in docs/statistics.md.

Says how often `nestlab bisect --fails` is right and how many boots it makes, by a second writing of the rules of
orchestrator/bisect (rate.c, session.c, search.c, confirm.c): 12 commits of which two fail in another way.
"""
import math
import random
import sys

COMMITS, OTHERWISE, CULPRITS = 12, (6, 7), (3, 4, 5, 9, 10, 11, 12, 1)
DIFFERS, IS_LIKE = math.log(20), math.log(100)
GOOD_END, BAD_END, GOOD_STEP = (0.9, 0), (0.4, 1), (0.5, 0)  # weight of one rate, and that rate


class Kernel:
    def __init__(self, rate):
        self.rate, self.failed, self.boots = rate, 0, 0

    def boot_to(self, boots):
        new = max(0, boots - self.boots)
        self.failed += sum(random.random() < self.rate for _ in range(new))
        self.boots += new
        return new


def any_rate(f, n):
    return math.lgamma(f + 1) + math.lgamma(n - f + 1) - math.lgamma(n + 2)


def believed(belief, f, n):
    weight, rate = belief
    return math.log((1 - weight) * math.exp(any_rate(f, n)) + weight * (f == rate * n))


def expected(belief, known, k):
    return believed(belief, known.failed + k.failed, known.boots + k.boots) - believed(belief, known.failed, known.boots)


def best_rate(f, n):
    return sum(x * math.log(x / n) for x in (f, n - f) if x)


def do_differ(good, bad):
    if bad.failed * good.boots <= good.failed * bad.boots:
        return False
    e = believed(GOOD_END, good.failed, good.boots) + believed(BAD_END, bad.failed, bad.boots)
    return e - best_rate(good.failed + bad.failed, good.boots + bad.boots) >= DIFFERS


def find_side(good, bad, k):
    like_good, like_bad, neither = expected(GOOD_STEP, good, k), expected(BAD_END, bad, k), any_rate(k.failed, k.boots)
    if neither >= max(like_good, like_bad) + IS_LIKE:
        return "bad" if not good.failed and k.failed else None
    if like_bad >= like_good + IS_LIKE:
        return "bad"
    if like_good >= like_bad + IS_LIKE and (good.failed or not k.failed):
        return "good"
    return None


def looks(most):
    n = 2
    while n < most:
        yield n
        n += 1 if n < 4 else 2 if n < 24 else n // 8
    yield most


def judge(good, bad, k, most):
    """The side of @k, and the boots that it took."""
    made = 0
    for n in looks(most):
        made += k.boot_to(n) + good.boot_to(n) + bad.boot_to(n)
        side = find_side(good, bad, k)
        if side:
            return side, made
    return None, made


def choose(low, high, skipped):
    left = [i for i in range(low + 1, high) if i not in skipped]
    skips = sum(low < i < high for i in skipped)
    aside = 0
    if skips:
        aside = min(1 << (skips - 1), (high - low) // 4) * (1 if skips % 2 else -1)
    return min(left, key=lambda i: abs(i - low - (high - low) / 2 - aside), default=None)


def bisect(culprit, rate, before, most):
    good, bad, boots = Kernel(before), Kernel(rate), 0
    for n in looks(most):
        boots += good.boot_to(n) + bad.boot_to(n)
        if do_differ(good, bad):
            break
    else:
        return "cannot tell", boots
    low, high, skipped = 0, COMMITS, set()
    while (i := choose(low, high, skipped)) is not None:
        side, made = (None, 2) if i in OTHERWISE else judge(good, bad, Kernel(rate if i >= culprit else before), most)
        boots += made
        if side == "bad":
            high = i
        elif side == "good":
            low = i
        else:
            skipped.add(i)
    if high - low > 1:
        return "cannot tell", boots
    confirmed = True
    reverted = before if high == culprit else rate
    for r, side in ((rate if low >= culprit else before, "good"), (rate if high >= culprit else before, "bad"),
                    (rate, "bad"), (reverted, "good")):
        found, made = judge(good, bad, Kernel(r), most)
        confirmed &= found == side
        boots += made
    return f"{'right' if high == culprit else 'wrong'}, {'' if confirmed else 'not '}confirmed", boots


def main():
    bisects = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    for rate, before, most in ((1, 0, 8), (0.8, 0, 64), (0.5, 0, 64), (0.3, 0, 64), (0.9, 0.1, 32)):
        random.seed(1)
        answers, boots = {}, 0
        for n in range(bisects):
            answer, made = bisect(CULPRITS[n % len(CULPRITS)], rate, before, most)
            answers[answer] = answers.get(answer, 0) + 1
            boots += made
        print(f"bad {rate:.0%}, good {before:.0%}: {boots / bisects:.0f} boots;",
              ", ".join(f"{answer}: {count}" for answer, count in sorted(answers.items())))


main()
