"""The names of the functions that a template may call, and why it may not call the others that it could elsewhere.

They are Go's own (https://pkg.go.dev/text/template#hdr-Functions) and those of Sprig 3 that give the same answer everywhere and always.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from capelin.runtime.gotemplate.errors import shown

_BUILTINS: Final = "and eq ge gt html index js le len lt ne not or print printf println slice urlquery"

_SPRIG: Final = """
    abbrev abbrevboth add add1 add1f addf adler32sum all any append atoi b32dec b32enc b64dec b64enc base biggest camelcase cat ceil chunk
    clean coalesce compact concat contains deepCopy deepEqual default dict dig dir div divf duration durationRound empty ext fail first
    float64 floor fromJson get has hasKey hasPrefix hasSuffix hello indent initial initials int int64 isAbs join kebabcase keys kindIs
    kindOf last list lower max maxf merge mergeOverwrite min minf mod mul mulf mustAppend mustChunk mustCompact mustDeepCopy mustFirst
    mustFromJson mustHas mustInitial mustLast mustMerge mustMergeOverwrite mustPrepend mustPush mustRegexFind mustRegexFindAll
    mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit mustRest mustReverse mustSlice mustToJson
    mustToPrettyJson mustToRawJson mustUniq mustWithout nindent nospace omit osBase osClean osDir osExt osIsAbs pick pluck plural prepend
    push quote regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll regexReplaceAllLiteral regexSplit repeat replace rest
    reverse round semver semverCompare seq set sha1sum sha256sum sha512sum slice snakecase sortAlpha split splitList splitn squote sub
    subf substr swapcase ternary title toDecimal toJson toPrettyJson toRawJson toString toStrings trim trimAll trimPrefix trimSuffix
    trimall trunc tuple typeIs typeIsLike typeOf uniq unset until untilStep untitle upper urlJoin urlParse values without wrap wrapWith
"""

NAMES: Final = frozenset(_BUILTINS.split()) | frozenset(_SPRIG.split())

_CLOCK: Final = "its result depends on the clock or the time zone of this machine"
_CHANCE: Final = "its result depends on chance"
_MACHINE: Final = "its result depends on this machine"
_KEYS: Final = "it makes or uses key material, which does not belong into a template"

REFUSED: Final = {
    **dict.fromkeys(("ago", "date", "dateInZone", "dateModify", "date_in_zone", "date_modify", "htmlDate", "htmlDateInZone"), _CLOCK),
    **dict.fromkeys(("mustDateModify", "mustToDate", "must_date_modify", "now", "toDate", "unixEpoch"), _CLOCK),
    **dict.fromkeys(("randAlpha", "randAlphaNum", "randAscii", "randBytes", "randInt", "randNumeric", "shuffle", "uuidv4"), _CHANCE),
    **dict.fromkeys(("bcrypt", "encryptAES", "genCA", "genCAWithKey", "genPrivateKey", "genSelfSignedCert", "htpasswd"), _CHANCE),
    **dict.fromkeys(("genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey"), _CHANCE),
    **dict.fromkeys(("env", "expandenv", "getHostByName"), _MACHINE),
    **dict.fromkeys(("buildCustomCert", "decryptAES", "derivePassword"), _KEYS),
    "call": "no value of a template is a function",
}
"""Names that Go or Sprig know, and the reason why they are refused here."""


def unknown(name: str, known: Iterable[str]) -> str:
    """Return the sentence that says why there is no function of that name."""
    if reason := REFUSED.get(name):
        return f"function {shown(name)} is refused: {reason}"
    near = get_close_matches(name[:40], known, n=3)
    allowed = f"did you mean {' or '.join(near)}?" if near else "the functions of Go templates and the repeatable ones of Sprig are allowed"
    return f"function {shown(name)} is not defined; {allowed}"
