"""Carrying a Corefile over to a later CoreDNS: what releases dropped is taken out, what they need is put in.

Only what no longer works is changed: an option that is merely deprecated stays until the release that dropped it. The facts are those of
`coredns/corefile-migration` v1.0.36; tests compare with what that library makes of the same files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from capelin.api.coredns import KNOWN_VERSIONS, migration
from capelin.api.corefile import Option, Plugin, Server, read, written

Servers = tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to a Corefile that comes to any release from `first` to `last`."""

    first: str
    last: str
    apply: Callable[[Servers], Servers]

    def concerns(self, release: str) -> bool:
        """Tell whether a Corefile that comes to the release is changed."""
        order = KNOWN_VERSIONS.index
        return order(self.first) <= order(release) <= order(self.last)


def migrated(corefile: str, old: str, new: str) -> str:
    """Return the Corefile as the CoreDNS of the image tag `new` needs it, from one for that of `old`; unchanged between builds of one
    release.

    Raises:
        ValueError: a tag names no version, there is no way from one to the other, or the Corefile cannot be read or carried over.
    """
    found = migration(old, new)
    if found.obstacle is not None:
        raise ValueError(found.obstacle)
    if not found.steps:
        return corefile
    servers = read(corefile)
    for release in found.steps:
        for change in CHANGES:
            if change.concerns(release):
                servers = change.apply(servers)
    return written(servers)


def _each_plugin(name: str, change: Callable[[Plugin], Plugin]) -> Callable[[Servers], Servers]:
    return _each_block(lambda plugins: tuple(change(plugin) if plugin.name == name else plugin for plugin in plugins))


def _each_block(change: Callable[[tuple[Plugin, ...]], tuple[Plugin, ...]]) -> Callable[[Servers], Servers]:
    def apply(servers: Servers) -> Servers:
        return tuple(server if server.plugins is None else replace(server, plugins=change(server.plugins)) for server in servers)

    return apply


def _without(*names: str) -> Callable[[Plugin], Plugin]:
    return lambda plugin: replace(plugin, options=tuple(option for option in plugin.options if option.name not in names))


def _with_new(option: Option) -> Callable[[Plugin], Plugin]:
    def change(plugin: Plugin) -> Plugin:
        present = any(found.name == option.name for found in plugin.options)
        return plugin if present else replace(plugin, options=(*plugin.options, option))

    return change


def _beside(companions: Iterable[str], new: Plugin) -> Callable[[tuple[Plugin, ...]], tuple[Plugin, ...]]:
    """A plugin that is new in every block that has one of its companions."""
    wanted = frozenset(companions)

    def change(plugins: tuple[Plugin, ...]) -> tuple[Plugin, ...]:
        names = {plugin.name for plugin in plugins}
        return plugins if new.name in names or not names & wanted else (*plugins, new)

    return change


def _one_endpoint(plugin: Plugin) -> Plugin:
    """Only the first endpoint is used; Kubernetes balances the load itself."""
    options = (replace(option, args=option.args[:1]) if option.name == "endpoint" else option for option in plugin.options)
    return replace(plugin, options=tuple(options))


def _without_https_google(plugin: Plugin) -> Plugin:
    dropped = ("protocol", "https_google")
    return replace(plugin, options=tuple(option for option in plugin.options if (option.name, *option.args[:1]) != dropped))


def _forwarding(proxy: Plugin) -> Plugin:
    """The plugin forward took the place of proxy."""
    dropped = ("fail_timeout", "max_fails", "health_check", "spray", "protocol")
    options = []
    for option in proxy.options:
        over_tcp = option.name == "protocol" and option.args[:1] == ("force_tcp",) and len(option.args) > 1
        if over_tcp or (option.name == "policy" and option.args == ("least_conn",)):
            options.append(Option("force_tcp"))
        elif option.name not in dropped:
            options.append(option)
    return Plugin("forward", proxy.args, tuple(options))


def _transfers(plugins: tuple[Plugin, ...]) -> tuple[Plugin, ...]:
    """What kubernetes said of zone transfers moves to a plugin of its own."""
    moved = []
    for plugin in plugins:
        targets = [option.args[1:] for option in plugin.options if option.name == "transfer" and len(option.args) > 1]
        if plugin.name == "kubernetes" and targets:
            moved.append(Plugin("transfer", plugin.args[:1], (Option("to", targets[-1]),)))
    return tuple(_without("transfer")(plugin) if plugin.name == "kubernetes" else plugin for plugin in plugins) + tuple(moved)


def _stub_domains(servers: Servers) -> Servers:
    """A block forwards once; each zone that was forwarded elsewhere gets a block of its own."""
    kept, split = [], []
    for server in servers:
        stubs = [plugin for plugin in server.plugins or () if plugin.name == "forward" and plugin.args[:1] != (".",)]
        if not stubs:
            kept.append(server)
            continue
        if server.keys not in ((".",), (".:53",)):
            keys = " ".join(server.keys)
            raise ValueError(f"server block {keys!r} forwards a zone of its own; only the block of all zones can be carried over with one")
        kept.append(replace(server, plugins=tuple(plugin for plugin in server.plugins or () if plugin not in stubs)))
        split += [_stub_domain(plugin) for plugin in stubs]
    return (*kept, *split)


def _stub_domain(forward: Plugin) -> Server:
    if not forward.args:
        raise ValueError("plugin forward names no zone")
    zone, *upstreams = forward.args
    everything = replace(forward, args=(".", *upstreams))
    return Server((zone,), (everything, Plugin("loop"), Plugin("errors"), Plugin("cache", ("30",))))


CHANGES: tuple[Change, ...] = (
    Change("1.1.4", "1.3.1", _each_plugin("proxy", _without_https_google)),
    Change("1.2.1", "1.2.1", _each_block(_beside(("forward", "proxy"), Plugin("loop")))),
    Change("1.4.0", KNOWN_VERSIONS[-1], _each_plugin("kubernetes", _one_endpoint)),
    Change("1.5.0", "1.5.0", _each_plugin("proxy", _forwarding)),
    Change("1.5.0", "1.7.1", _each_plugin("kubernetes", _without("upstream"))),
    Change("1.5.0", "1.5.0", _each_block(_beside(("kubernetes",), Plugin("ready")))),
    Change("1.4.0", "1.5.0", _stub_domains),
    Change("1.6.0", "1.7.1", _each_plugin("kubernetes", _without("resyncperiod"))),
    Change("1.6.5", "1.6.5", _each_plugin("health", _with_new(Option("lameduck", ("5s",))))),
    Change("1.7.0", "1.7.0", _each_plugin("forward", _with_new(Option("max_concurrent", ("1000",))))),
    Change("1.8.0", "1.8.0", _each_block(_transfers)),
)
"""Every change that makes a Corefile work on, in the order in which those of one release are made."""
