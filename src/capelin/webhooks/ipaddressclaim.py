"""What is allowed of IPAddressClaims."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.ipaddressclaim import IPAddressClaim
from capelin.api.refusals import Refusal
from capelin.webhooks.admission import Admission, Webhook
from capelin.webhooks.rules.immutability import SPEC_STAYS, spec_refusals

RULES = (SPEC_STAYS,)

IPAddressClaimAdmission = Admission[IPAddressClaim, None]


def validate(request: IPAddressClaimAdmission) -> Iterator[Refusal]:
    """Yield what is wrong with a change of an IPAddressClaim."""
    if request.old is not None:
        yield from spec_refusals(request.new.spec, request.old.spec)


WEBHOOK = Webhook(IPAddressClaim, validate, RULES)
