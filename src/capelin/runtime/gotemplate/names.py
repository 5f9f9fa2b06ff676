"""Why a template may not call some functions that it could elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from capelin.runtime.gotemplate.errors import shown

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
