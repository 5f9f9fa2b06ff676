"""Generated templates: pipelines of any functions, with arguments of the right types for the most part."""

from __future__ import annotations

from hypothesis import strategies as st

from capelin.runtime.gotemplate.functions.catalogue import FUNCTIONS
from capelin.runtime.gotemplate.functions.signature import Parameter

# Left out is what differs on purpose: keys and values have no order in Go, and a broken encoding is a value there.
COMPARED = sorted(frozenset(FUNCTIONS) - {"b32dec", "b64dec", "keys", "values"})


TEXTS = st.sampled_from(
    [
        *(".text", ".lines", ".unicode", ".version", ".path", ".number", ".empty"),
        *('"a-b"', '"x,y,z"', '"12"', '" Ab cD "', '"fooBar_Baz9"', '"\\n<&>"', '"/a/../b.c"', '"é"', '","', '"a"', '"-"'),
        *('"[a-z]+"', '"(a|b)*"', '"1.2.3"', '">=1.0"', '"%s|%v"', '"%5.1f"', '"{\\"a\\":[1]}"'),
    ]
)
ARGUMENTS = {
    Parameter.STRING: TEXTS,
    Parameter.INT: st.sampled_from(["0", "1", "2", "5", "-3", "(len .list)", "(int .three)"]),
    Parameter.FLOAT: st.sampled_from(["0.5", "1", ".half"]),
    Parameter.BOOL: st.sampled_from(["true", "false", ".yes"]),
    Parameter.DICT: st.sampled_from([".dict", '(dict "a" 1)', ".builtin.cluster", ".hollow", '(dict "c" (dict "d" 0))']),
    Parameter.ANY: st.one_of(
        TEXTS,
        st.sampled_from(
            [".one", ".three", ".half", ".tiny", ".million", ".negative", ".zero", "0", "2", "2.5", "1e6", "-7", ".yes", "false"]
        ),
        st.sampled_from([".list", ".numbers", ".mixed", ".none", "(list 1 2)", "(until 3)", '(list "b" "a")', '(splitList "," "q,p")']),
        st.sampled_from([".dict", ".hollow", '(dict "k" (list nil))', ".nothing", ".missing", "nil", "(add 1 2)"]),
    ),
}


@st.composite
def calls(draw: st.DrawFn, *, piped: bool = False) -> str:
    """Return a call with arguments of the right types, mostly; with `piped` its last one is left to the pipeline."""
    name = draw(st.sampled_from([each for each in COMPARED if each != "set"]))  # Go ends when it prints a dict set into itself
    function = FUNCTIONS[name]
    further = draw(st.integers(0, 2)) if function.rest else 0
    parameters = [*function.fixed, *([function.rest] * further if function.rest else [])]
    if piped:
        parameters = parameters[:-1]
    kinds = [draw(st.sampled_from([parameter] * 9 + [Parameter.ANY])) for parameter in parameters]
    return " ".join([name, *(draw(ARGUMENTS[kind]) for kind in kinds)])


PIPELINES = st.builds(
    lambda first, further: " | ".join([first, *further]),
    st.one_of(ARGUMENTS[Parameter.ANY], calls()),
    st.lists(calls(piped=True), max_size=2),
)
ACTIONS = PIPELINES.flatmap(
    lambda pipeline: st.sampled_from(
        [
            f"{{{{ {pipeline} }}}}",
            f"{{{{ {pipeline} | toJson }}}}",
            f"{{{{ if {pipeline} }}}}yes{{{{ else }}}}no{{{{ end }}}}",
            f"{{{{ with {pipeline} }}}}{{{{ . }}}}{{{{ else }}}}-{{{{ end }}}}",
            f"{{{{ range $k, $v := {pipeline} }}}}{{{{ $k }}}}:{{{{ $v }}}} {{{{ end }}}}",
            f"{{{{ $x := {pipeline} }}}}{{{{ printf `%v %T` $x $x }}}}",
        ]
    )
)
