"""The most that an expression can cost, before it is ever evaluated.

The rules are those of cel-go (checker/cost.go), so that a rule has here the cost that kube-apiserver gives it: every step costs something,
a loop costs its body times the most items its range can have, text costs by its length. Only the upper bound is kept of a cost, since
limits ask for nothing else. The types that costs depend on are inferred on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from capelin.runtime.documents import celcalls, celkinds
from capelin.runtime.documents.celast import Call, Entries, Fold, Items, Literal, Name, Node, Select
from capelin.runtime.documents.celcalls import Operand
from capelin.runtime.documents.celsizes import BOOL, DYN, INT, LARGEST, ONE, OPEN, UNKNOWN, Kind, Size, capped, list_of, map_of

_LIST_COST: Final = 10
_MAP_COST: Final = 30
_MESSAGE_COST: Final = 40
_ACCUMULATORS: Final = ("__result__", "@result")
_NOTHING: Final = Size(LARGEST, 0)  # the union of no sizes


class _Path:
    """The way from a variable to a part of the object: names of fields, and `@items`, `@keys` or `@values`.

    cel-go keeps it in a slice that `append` lengthens, so paths that were lengthened from the same one, such as two fields of a loop's
    variable, can share their memory, and the later takes the place of the earlier. Which size a part then has is what counts for whether
    a server refuses a rule, so paths share their memory here when they do there.
    """

    __slots__ = ("_length", "_memory")

    def __init__(self, memory: list[str], length: int) -> None:
        self._memory = memory
        self._length = length

    def to(self, step: str) -> _Path:
        """Return the path one step longer."""
        memory, length = self._memory, self._length
        if length == len(memory):
            memory = [*memory, *[""] * max(1, length)]  # twice the room, as Go makes it for slices this short
        memory[length] = step
        return _Path(memory, length + 1)

    def steps(self) -> tuple[str, ...]:
        """Return the steps as they are now."""
        return tuple(self._memory[: self._length])


class _Entry(NamedTuple):
    """The sizes of the keys and values of a list or map that the expression itself makes."""

    container: str
    key: Size
    value: Size

    def union(self, other: _Entry) -> _Entry:
        return _Entry(self.container, self.key.union(other.key), self.value.union(other.value))


@dataclass(slots=True)
class _Local:
    """A variable of a loop or a binding."""

    kind: Kind
    path: _Path
    size: Size | None
    entry: _Entry | None = None


def estimate(node: Node, root: Kind, old: Kind) -> int:
    """Return the most that the expression can cost for a `self` of the kind `root`; `old` is the kind of `oldSelf`."""
    return _Estimator(root, old).cost(node)


class _Estimator:
    def __init__(self, root: Kind, old: Kind) -> None:
        self._root = root
        self._variables = {"self": root, "oldSelf": old}
        self._locals: dict[str, list[_Local]] = {}
        self._kinds: dict[int, Kind] = {}
        self._paths: dict[int, _Path] = {}
        self._sizes: dict[int, Size] = {}
        self._entries: dict[int, _Entry] = {}

    def cost(self, node: Node) -> int:
        """Return the most that a part of the expression can cost, and learn its kind, path and size."""
        match node:
            case Literal():
                self._kinds[node.id] = Kind(node.kind)
                return 0
            case Name():
                return self._name(node)
            case Select():
                return self._select(node)
            case Call():
                return self._dyn(node) if node.function == "dyn" else self._call(node)
            case Items():
                return self._items(node)
            case Entries():
                return self._written(node)
            case Fold():
                return self._bind(node) if _is_binding(node) else self._fold(node)

    def _name(self, node: Name) -> int:
        if local := self._local(node.name):
            self._paths[node.id], self._kinds[node.id] = local.path, local.kind
        else:
            self._paths[node.id], self._kinds[node.id] = _Path([node.name], 1), self._variables.get(node.name, DYN)
        return 1

    def _select(self, node: Select) -> int:
        cost = self.cost(node.operand)
        kind = self._kinds[node.operand.id]
        self._kinds[node.id] = BOOL if node.test else celkinds.field_of(kind, node.field)
        if node.test:
            return cost
        self._paths[node.id] = self._path(node.operand).to(node.field)
        return capped(cost + 1) if kind.name in ("map", "object", "open") else cost

    def _dyn(self, node: Call) -> int:
        cost = self.cost(node.args[0])
        self._kinds[node.id] = DYN
        self._copy_sizes(node, node.args[0])
        return capped(cost + 1)

    def _call(self, node: Call) -> int:
        costs: list[int] = []
        args: list[Operand] = []
        for arg in node.args:
            costs.append(self.cost(arg))
            args.append(self._operand(arg))
        total = self.cost(node.target) if node.target else 0
        target = self._operand(node.target) if node.target else None
        self._kinds[node.id] = celkinds.result_of(node.function, target and target.kind, [arg.kind for arg in args])
        size: Size | None = None
        match node.function:
            case "_?_:_":
                total, size = capped(total + costs[0] + max(costs[1], costs[2])), self._branches(node)
            case "_[_]":
                total, size = capped(total + sum(costs) + 1), self._index(node, args[0].kind)
            case _:
                own, size = celcalls.charge(node.function, target, args, self._size_at)
                total = capped(total + sum(costs) + own)
                if node.function == "_+_" and args[0].kind.name not in celkinds.NUMBERS:
                    self._join_entries(node)
        if size is None:
            size = self._size(node)
        if size is not None:
            self._sizes[node.id] = size
        return total

    def _branches(self, node: Call) -> Size:
        self._join_entries(node)
        return self._size_or_unknown(node.args[1]).union(self._size_or_unknown(node.args[2]))

    def _join_entries(self, node: Call) -> None:
        one, other = (self._entry(arg) for arg in node.args[-2:])
        if one and other:
            self._entries[node.id] = one.union(other)

    def _index(self, node: Call, container: Kind) -> Size | None:
        entry = self._entry(node.args[0])
        self._paths[node.id] = self._path(node.args[0]).to("@items" if container.name == "list" else "@values")
        return entry.value if entry else None

    def _items(self, node: Items) -> int:
        cost, size = _LIST_COST, _NOTHING if node.items else Size(0, 0)
        for item in node.items:
            cost += self.cost(item)
            size = size.union(self._size_or_unknown(item))
        self._entries[node.id] = _Entry("list", ONE, size)
        self._kinds[node.id] = list_of(celkinds.joined([self._kinds[item.id] for item in node.items]))
        return capped(cost)

    def _written(self, node: Entries) -> int:
        """A map or message that is written out."""
        cost = _MESSAGE_COST if node.message else _MAP_COST
        keys = values = _NOTHING if node.entries else Size(0, 0)
        for key, value in node.entries:
            cost += (self.cost(key) if key else 0) + self.cost(value)
            keys = keys.union(self._size_or_unknown(key)) if key else keys
            values = values.union(self._size_or_unknown(value))
        if node.message:
            self._kinds[node.id] = celkinds.MESSAGES.get(node.message, DYN)
        else:
            self._entries[node.id] = _Entry("map", keys, values)
            self._kinds[node.id] = map_of(celkinds.joined([self._kinds[value.id] for _, value in node.entries]))
        return capped(cost)

    def _bind(self, node: Fold) -> int:
        cost = self.cost(node.range) + self.cost(node.start)
        self._push(node.accumulator, self._bound(node.start))
        cost += self.cost(node.result)
        self._pop(node.accumulator)
        self._kinds[node.id] = self._kinds[node.result.id]
        self._copy_sizes(node, node.result)
        return capped(cost)

    def _fold(self, node: Fold) -> int:
        cost = self.cost(node.range) + self.cost(node.start)
        accumulator = self._bound(node.start)
        self._push(node.accumulator, accumulator)
        variables = self._loop_variables(node)
        for name, local in variables:
            self._push(name, local)
        step = self.cost(node.condition) + self.cost(node.step)
        for name, _ in variables:
            self._pop(name)
        if accumulator.kind.item is OPEN:  # an empty list or map: the step says of what
            accumulator.kind = self._kinds[node.step.id]
        cost += self.cost(node.result)
        self._pop(node.accumulator)
        self._kinds[node.id] = self._kinds[node.result.id]
        rounds = self._size_or_unknown(node.range)
        self._set_result(node, rounds)
        return capped(cost + rounds.most * capped(step))

    def _set_result(self, node: Fold, rounds: Size) -> None:
        if isinstance(node.start, Literal):
            if (size := self._size(node.start)) is not None:
                self._sizes[node.id] = size
        elif isinstance(node.start, Items | Entries):
            self._sizes[node.id] = rounds
            if entry := self._entry(node.step):
                self._entries[node.id] = entry

    def _loop_variables(self, node: Fold) -> list[tuple[str, _Local]]:
        kind, entry = self._kinds[node.range.id], self._entry(node.range)
        is_list = (entry.container if entry else kind.name) == "list"
        found: list[tuple[str, _Local]] = []
        if node.second or not is_list:
            key = self._path(node.range).to("@indices" if is_list else "@keys")
            found.append((node.variable, _Local(INT if is_list else kind.key or DYN, key, entry and entry.key)))
        if node.second or is_list:
            value = self._path(node.range).to("@items" if is_list else "@values")
            found.append((node.second or node.variable, _Local(kind.item or DYN, value, entry and entry.value)))
        return found

    # What is known of a part

    def _local(self, name: str) -> _Local | None:
        stack = self._locals.get(name)
        return stack[-1] if stack else None

    def _push(self, name: str, local: _Local) -> None:
        self._locals.setdefault(name, []).append(local)

    def _pop(self, name: str) -> None:
        self._locals[name].pop()

    def _bound(self, node: Node) -> _Local:
        return _Local(self._kinds[node.id], self._path(node), self._size(node), self._entry(node))

    def _operand(self, node: Node) -> Operand:
        path = self._path(node).steps()
        if path and path[0] in _ACCUMULATORS:
            path = ()
        return Operand(node, self._kinds[node.id], path, self._size(node))

    def _path(self, node: Node) -> _Path:
        if isinstance(node, Name) and (local := self._local(node.name)):
            return local.path
        return self._paths.get(node.id) or _Path([], 0)

    def _entry(self, node: Node) -> _Entry | None:
        if (entry := self._entries.get(node.id)) is not None:
            return entry
        local = self._local(node.name) if isinstance(node, Name) else None
        return local.entry if local else None

    def _copy_sizes(self, node: Node, source: Node) -> None:
        if (size := self._size(source)) is not None:
            self._sizes[node.id] = size
        if entry := self._entry(source):
            self._entries[node.id] = entry

    def _size_or_unknown(self, node: Node) -> Size:
        return self._size(node) or UNKNOWN

    def _size(self, node: Node) -> Size | None:
        """Return the size of a part as far as it is known: computed, written out, declared by the schema, or that of its kind."""
        if (size := self._sizes.get(node.id)) is not None:
            return size
        if (size := _written_size(node)) is not None:
            return size
        if (size := self._size_at(self._path(node).steps())) is not None:
            self._sizes[node.id] = size
            return size
        if self._kinds[node.id].scalar:
            return ONE
        local = self._local(node.name) if isinstance(node, Name) else None
        return local.size if local else None

    def _size_at(self, path: tuple[str, ...]) -> Size | None:
        """Return the size that the schema declares; the first step of a path is the variable, whichever it is."""
        if not path:
            return None
        kind: Kind | None = self._root
        for step in path[1:]:
            if kind is None:
                return None
            match step:
                case "@items" | "@values":
                    kind = kind.item
                case "@keys":
                    kind = kind.key
                case _:
                    kind = kind.fields.get(step)
        return Size(0, kind.most) if kind else None


def _written_size(node: Node) -> Size | None:
    match node:
        case Literal(kind="string" | "bytes"):
            return Size(len(node.value), len(node.value))
        case Literal():
            return ONE
        case Items():
            return Size(len(node.items), len(node.items))
        case Entries(message=""):
            return Size(len(node.entries), len(node.entries))
    return None


def _is_binding(node: Fold) -> bool:
    """Tell a `cel.bind`, which travels as a loop over nothing."""
    no_items = isinstance(node.range, Items) and not node.range.items
    never = isinstance(node.condition, Literal) and node.condition.value is False
    return no_items and never and node.accumulator != _ACCUMULATORS[0]
