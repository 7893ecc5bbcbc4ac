"""Times and conditions on them as source."""

from __future__ import annotations

from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval


def time_code(time: Time) -> str:
    """A time as Python or C: `1`, `T`, `t - 1`."""
    if not time.anchor:
        return str(time.offset)
    return f"{time.anchor} {'+' if time.offset > 0 else '-'} {abs(time.offset)}" if time.offset else time.anchor


def when_code(when: Interval, whole: Interval | None, at: Time | None = None) -> str:
    """Python for `t is in when`, for a t known to be in `whole`; `at` is the time itself where it is fixed."""
    if at is not None and at.anchor:
        return "" if when.low.anchor else f"T >= {when.low.offset - at.offset}"
    if at is not None:
        return f"T >= {at.offset - when.high.offset}" if when.high.anchor else ""
    if when.is_point:
        return f"t == {time_code(when.low)}"
    tests = []
    if whole is None or when.low != whole.low:
        tests.append(f"t >= {time_code(when.low)}")
    if whole is None or when.high != whole.high:
        tests.append(f"t < {time_code(Time(when.high.anchor, when.high.offset + 1))}")
    return " and ".join(tests)
