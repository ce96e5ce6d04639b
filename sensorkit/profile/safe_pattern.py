"""Regular expressions that cannot hang: where they repeat, the next character decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from re import _constants as op  # type: ignore[attr-defined]  # the tree has no public door
from re import _parser  # type: ignore[attr-defined]
from typing import Any

Item = tuple[Any, Any]
Next = frozenset[str]
"""The characters that may come next."""

ALPHABET = frozenset(map(chr, [9, *range(32, 127)]))
"""What a line may consist of."""
END = ""
"""Stands for the end of the line among the characters that may come next."""

_NOTHING = frozenset({"nothing"})

MAX_DEPTH = 12
"""Groups within groups."""
MAX_WAYS = 64
"""Ways through a pattern that have to be tried in the worst case."""

_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)


class UnsafePatternError(ValueError):
    """A pattern that cannot be compiled, or that could take for ever on some line."""


class SafePattern:
    r"""A regular expression whose match takes a time in proportion to the length of the line.

    Python's `re` tries all ways to match; `(a+)+b` against 40 times `a` takes hours. What makes it
    slow is a choice that is found to be wrong only later, again and again. So in and around a
    repetition the next character must decide: what is repeated must not begin like what follows
    it, and no two alternatives in it may begin alike. Such expressions are called deterministic or
    one-unambiguous [1]_. Outside of repetitions a few choices may be open, for they are tried once.
    Look-arounds, back references and flags are not taken.

    Parameters
    ----------
    pattern : str
        In the syntax of `re`, ASCII classes.

    Attributes
    ----------
    groups : tuple of str
        The names of the groups, in the order of the pattern.

    Raises
    ------
    UnsafePatternError
        If it is not such a pattern; the message says which part of it, and what to write.

    Examples
    --------
    >>> SafePattern(r"w: (?P<w>-?\d+) x: (?P<x>-?\d+)").groups
    ('w', 'x')

    References
    ----------
    .. [1] A. Brueggemann-Klein and D. Wood, "One-unambiguous regular languages", Information and
       Computation 142 (1998).
    """

    def __init__(self, pattern: str) -> None:
        try:
            compiled = re.compile(pattern, re.ASCII)
            self._tree: Sequence[Item] = _parser.parse(pattern, re.ASCII)
        except (re.error, RecursionError, OverflowError) as error:
            raise UnsafePatternError(f"is no regular expression: {error}") from error
        if compiled.flags & ~(re.ASCII | re.VERBOSE):
            raise UnsafePatternError("sets a flag such as (?i); write the letters out: [Oo]")
        self._names = {number: name for name, number in compiled.groupindex.items()}
        self.groups = tuple(compiled.groupindex)
        self.fullmatch = compiled.fullmatch
        self._ways = 1
        self._check_all(self._tree, frozenset({END}), 0, False)

    @property
    def begins_with_text(self) -> bool:
        """Return whether each line begins with the same character."""
        first = next((item for item in self._tree if item[0] is not op.AT), None)
        return first is not None and first[0] is op.LITERAL

    def render(self, texts: Mapping[str, str]) -> str:
        """Return a line that says *texts*, one for each group that is to be there."""
        return "".join([self._say(item, texts) for item in self._tree])

    def _check_all(self, items: Sequence[Item], after: Next, depth: int, in_loop: bool) -> None:
        """Check *items*, in their order; *after* is what may come next behind them."""
        if depth > MAX_DEPTH:
            raise UnsafePatternError(f"nests groups more than {MAX_DEPTH} deep; flatten it")
        for item in reversed(items):
            self._check(item, after, depth + 1, in_loop)
            after = _before(item, after)

    def _check(self, item: Item, after: Next, depth: int, in_loop: bool) -> None:
        kind, value = item
        if kind is op.SUBPATTERN:
            _, more, fewer, body = value
            if more or fewer:
                raise UnsafePatternError("sets a flag inside; write the letters out: [Oo]")
            self._check_all(body, after, depth, in_loop)
        elif kind is op.ATOMIC_GROUP:
            self._check_all(value, after, depth, in_loop)
        elif kind is op.BRANCH:
            self._check_branches(_factored(value[1]), after, depth, in_loop)
        elif kind in _REPEATS:
            self._check_repeat(value, after, depth, in_loop)

    def _check_branches(
        self, branches: Sequence[Sequence[Item]], after: Next, depth: int, in_loop: bool
    ) -> None:
        every: Next = frozenset()
        for branch in branches:
            first = _before_all(branch, after)
            if first & every:
                self._choose(
                    in_loop, f"two alternatives can both begin with {_shown(first & every)}"
                )
            every |= first
            self._check_all(branch, after, depth, in_loop)

    def _check_repeat(
        self, value: tuple[int, int, Sequence[Item]], after: Next, depth: int, in_loop: bool
    ) -> None:
        least, most, body = value
        first = _before_all(body, _NOTHING)
        if first & _NOTHING:
            raise UnsafePatternError("repeats what may be empty; write (...)? or (...)*, not both")
        if least != most and first & after:
            what = "is repeated" if most > 1 else "may be left out"
            self._choose(
                in_loop or most > 1,
                f"what {what} ({_written(body, least, most)}) can begin like the "
                f"{_shown(first & after)} that follows it",
            )
        if most > 1:
            for name in self._named_in(body):
                raise UnsafePatternError(f"repeats the group {name!r}; a group says one thing")
            after |= first
        self._check_all(body, after, depth, in_loop or most > 1)

    def _choose(self, in_loop: bool, problem: str) -> None:
        """Take note of a choice that the next character does not decide."""
        self._ways *= 2
        if in_loop or self._ways > MAX_WAYS:
            raise UnsafePatternError(
                f"{problem}, so that a bad line could take for ever to give up; repeat only what "
                "cannot follow, as in [^,]*, and give alternatives different beginnings"
            )

    def _named_in(self, items: Iterable[Item]) -> list[str]:
        """Return the names of the groups in *items*."""
        found = []
        for kind, value in items:
            if kind is op.SUBPATTERN:
                found += [self._names[value[0]]] if value[0] in self._names else []
                found += self._named_in(value[3])
            elif kind is op.BRANCH:
                found += [name for branch in value[1] for name in self._named_in(branch)]
            elif kind in _REPEATS:
                found += self._named_in(value[2])
            elif kind is op.ATOMIC_GROUP:
                found += self._named_in(value)
        return found

    def _say(self, item: Item, texts: Mapping[str, str]) -> str:
        kind, value = item
        if kind is op.AT:
            return ""
        if kind is op.SUBPATTERN:
            name = self._names.get(value[0])
            return texts[name] if name is not None and name in texts else self._all(value[3], texts)
        if kind is op.ATOMIC_GROUP:
            return self._all(value, texts)
        if kind is op.BRANCH:
            said = [b for b in value[1] if any(n in texts for n in self._named_in(b))]
            return self._all((said or value[1])[0], texts)
        if kind in _REPEATS:
            least, _, body = value
            wanted = least == 0 and any(name in texts for name in self._named_in(body))
            return self._all(body, texts) * (1 if wanted else least)
        return min(_members(item))

    def _all(self, items: Iterable[Item], texts: Mapping[str, str]) -> str:
        return "".join([self._say(item, texts) for item in items])


def _before_all(items: Sequence[Item], after: Next) -> Next:
    """Return what may come next before *items*, if *after* may come behind them."""
    for item in reversed(items):
        after = _before(item, after)
    return after


def _before(item: Item, after: Next) -> Next:
    kind, value = item
    if kind is op.AT:  # takes no character
        return after
    if kind is op.SUBPATTERN:
        return _before_all(value[3], after)
    if kind is op.ATOMIC_GROUP:
        return _before_all(value, after)
    if kind is op.BRANCH:
        return frozenset().union(*[_before_all(branch, after) for branch in value[1]])
    if kind in _REPEATS:
        least, _, body = value
        first = _before_all(body, _NOTHING)
        return (first - _NOTHING) | (after if least == 0 or first & _NOTHING else frozenset())
    return _members(item)


def _members(item: Item) -> frozenset[str]:
    """Return the characters that an item of one character takes."""
    kind, value = item
    if kind is op.ANY:
        return ALPHABET
    if kind is op.LITERAL:
        return frozenset({chr(value)})
    if kind is op.NOT_LITERAL:
        return ALPHABET - {chr(value)}
    if kind is op.RANGE:
        return frozenset(map(chr, range(value[0], value[1] + 1)))
    if kind is op.CATEGORY:
        return _CATEGORIES[value]
    if kind is op.IN:
        members = frozenset[str]().union(*[_members(v) for v in value if v[0] is not op.NEGATE])
        return ALPHABET - members if value[0][0] is op.NEGATE else members & ALPHABET
    raise UnsafePatternError(
        "looks around or back ((?=...), (?<=...), \\1); say what stands there instead"
    )


def _class(written: str) -> frozenset[str]:
    return frozenset(filter(re.compile(written, re.ASCII).fullmatch, ALPHABET))


_CATEGORIES = {
    op.CATEGORY_DIGIT: _class(r"\d"),
    op.CATEGORY_NOT_DIGIT: _class(r"\D"),
    op.CATEGORY_SPACE: _class(r"\s"),
    op.CATEGORY_NOT_SPACE: _class(r"\S"),
    op.CATEGORY_WORD: _class(r"\w"),
    op.CATEGORY_NOT_WORD: _class(r"\W"),
}


def _factored(branches: Sequence[Sequence[Item]]) -> list[Sequence[Item]]:
    """Return alternatives of which those that begin with the same letter are joined."""
    groups: dict[Any, list[Sequence[Item]]] = {}
    for i, branch in enumerate(branches):
        same = len(branch) > 0 and branch[0][0] is op.LITERAL
        groups.setdefault(branch[0][1] if same else (i,), []).append(branch)
    return [
        group[0] if len(group) == 1 else [group[0][0], (op.BRANCH, (None, [b[1:] for b in group]))]
        for group in groups.values()
    ]


def _shown(members: frozenset[str]) -> str:
    """Name some characters that may come next."""
    first = min(members)
    return repr(first) if first else "end of the line"


def _written(body: Sequence[Item], least: int, most: int) -> str:
    """Return about what stands in the pattern, for a message."""
    kind, value = body[0]
    inner = "(...)"
    if len(body) == 1 and kind is op.LITERAL:
        inner = re.escape(chr(value))
    elif len(body) == 1 and kind is op.ANY:
        inner = "."
    elif len(body) == 1 and kind in {op.IN, op.NOT_LITERAL}:
        inner = "[...]"
    sign = {(0, 1): "?", (0, op.MAXREPEAT): "*", (1, op.MAXREPEAT): "+"}
    return inner + sign.get((least, most), f"{{{least},{most}}}")
