"""From a review to its answer: what all webhooks do alike.

Mutating reviews come before the schema has been checked, so a document may lack what it must have. As in the standard, a missing field
reads as the zero value of its type while defaults are computed, and is left missing unless a default filled it: the schema then says what
is required. Validating reviews see whole objects.

An object that is already stored can always be saved again: a change of nothing that rules are about is not judged, and what was wrong
before is not told again. So no rule that came later, and no field that has become required since, keeps anybody, a controller above all,
from mending or deleting an old object. What was warned of before is not told again either: who applies often would stop reading.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from capelin.api.meta import Object
from capelin.api.refusals import FORBIDDEN, REQUIRED, Refusal
from capelin.runtime import errors
from capelin.runtime.admission.reviews import Judge, ReviewAnswer, ReviewRequest
from capelin.runtime.codec import Document
from capelin.runtime.documents.difference import json_patch_between
from capelin.webhooks.admission import Admission, AnyWebhook, Denial, Finding, Lookups, Notice
from capelin.webhooks.decoding import decoded, lenient

_WORDS: Final = {
    "FieldValueInvalid": "Invalid value",
    "FieldValueRequired": "Required value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueNotSupported": "Unsupported value",
}


_Gather = Callable[[Admission[Any, None], Lookups], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Judging:
    """Answers the reviews of one webhook. `unattended` names what no controller of this version acts on; see `unattended_in`."""

    webhook: AnyWebhook
    lookups: Lookups
    unattended: Collection[str] = ()

    async def mutate(self, review: ReviewRequest) -> ReviewAnswer:
        """Answer a mutating review with a patch that fills in the defaults.

        Raises:
            ApiError: the facts could not be gathered.
        """
        if self.webhook.default is None or review.object is None:
            return ReviewAnswer()
        try:
            reading = lenient(self.webhook.kind, review.object)
            old = self._old(review)
        except ValidationError as error:
            return ReviewAnswer(_undecodable(self.webhook.kind, error))
        bare = Admission(_operation(review), reading.view, old, None, review.dry_run)
        request = await self._gathered(bare, self.webhook.gather_for_default or self.webhook.gather)
        filled = self.webhook.default(reading.view, request)
        patch = json_patch_between(reading.without_zeros(reading.view), reading.without_zeros(filled))
        return ReviewAnswer(patch=patch)

    async def validate(self, review: ReviewRequest) -> ReviewAnswer:
        """Answer a validating review with every broken rule, or with none.

        Raises:
            ApiError: the facts could not be gathered.
        """
        if review.operation not in self.webhook.operations:
            return ReviewAnswer()  # an installation may ask more than was declared; about that there is no rule
        try:
            new, old = self._new(review), self._old(review)
        except ValidationError as error:
            return ReviewAnswer(_undecodable(self.webhook.kind, error))
        if review.operation == "UPDATE" and old is not None and not _says_more(review):
            return ReviewAnswer()
        bare = Admission(_operation(review), new, old, None, review.dry_run)
        findings = await self._findings(bare)
        if review.operation == "UPDATE" and old is not None and findings:
            before = set(await self._findings(replace(bare, new=old)))
            findings = [found for found in findings if found not in before]
        return self._answer(review, findings)

    async def _findings(self, bare: Admission[Any, None]) -> list[Finding]:
        return list(self.webhook.validate(await self._gathered(bare, self.webhook.gather)))

    async def _gathered(self, bare: Admission[Any, None], gather: _Gather | None) -> Admission[Any, Any]:
        return bare if gather is None else replace(bare, facts=await gather(bare, self.lookups))

    def _new(self, review: ReviewRequest) -> Any:
        if review.operation == "DELETE":
            return self._stored(review.old or {})
        return decoded(self.webhook.kind, review.object or {})

    def _old(self, review: ReviewRequest) -> Any:
        return None if review.operation != "UPDATE" or review.old is None else self._stored(review.old)

    def _stored(self, document: Document) -> Any:
        """Return the view of what is stored, perhaps from before a field was required: it must be possible to mend and to delete it."""
        return lenient(self.webhook.kind, document).view

    def _answer(self, review: ReviewRequest, findings: Iterable[Finding]) -> ReviewAnswer:
        refusals, denials, notices = [], [], []
        for found in findings:
            match found:
                case Refusal():
                    refusals.append(found)
                case Denial():
                    denials.append(found.text)
                case Notice():
                    notices.append(found.text)
        if review.operation != "DELETE":
            notices += unattended_in(self.unattended, self.webhook.resource.kind, review.object or {}, review.old)
        return ReviewAnswer(_refusal(review, self.webhook.kind, refusals, denials), warnings=notices)


def judges(webhook: AnyWebhook, lookups: Lookups, unattended: Collection[str] = ()) -> Mapping[str, Judge]:
    """Return what answers the reviews of a webhook, by path."""
    judging = Judging(webhook, lookups, unattended)
    found: dict[str, Judge] = {validating_path(webhook): judging.validate}
    if webhook.default is not None:
        found[mutating_path(webhook)] = judging.mutate
    return found


def unattended_in(unattended: Iterable[str], kind: str, document: Document, old: Document | None = None) -> list[str]:
    """Return what to say of an object, or of a field it did not have before, that no controller acts on.

    `unattended` has kinds (`MachinePool`) and fields (`Cluster.spec.topology`).
    """
    told = []
    for entry in unattended:
        name, _, field = entry.partition(".")
        if name != kind or (old is not None and (not field or at(old, field) is not None)):
            continue
        if not field:
            told.append(f"this version of Capelin runs no controller for {kind}: the object is stored, and nothing acts on it")
        elif at(document, field) is not None:
            told.append(f"{field}: this version of Capelin runs no controller for it: the field is stored, and nothing acts on it")
    return told


def at(document: Any, path: str) -> Any:
    """Return the value at a dotted path; None where there is none."""
    for step in path.split("."):
        document = document.get(step) if isinstance(document, dict) else None
    return document


def mutating_path(webhook: AnyWebhook) -> str:
    """Return the path at which the webhook fills in defaults."""
    return f"/mutate-{_path(webhook)}"


def validating_path(webhook: AnyWebhook) -> str:
    """Return the path at which the webhook validates."""
    return f"/validate-{'scale-' if webhook.scales else ''}{_path(webhook)}"


def _path(webhook: AnyWebhook) -> str:
    resource = webhook.resource
    return f"{resource.group.replace('.', '-')}-{resource.version}-{resource.kind.lower()}"


def _operation(review: ReviewRequest) -> Any:
    return review.operation


def _says_more(review: ReviewRequest) -> bool:
    """Tell whether an update changes anything but who holds the object and who owns it."""
    return _judged(review.object or {}) != _judged(review.old or {})


def _judged(document: Document) -> Document:
    meta = document.get("metadata") or {}
    kept = {name: value for name, value in document.items() if name not in ("metadata", "status")}
    return {**kept, "labels": meta.get("labels") or {}, "annotations": meta.get("annotations") or {}}


def _refusal(review: ReviewRequest, kind: type[Object], refusals: list[Refusal], denials: list[str]) -> errors.ApiError | None:
    if denials:
        return errors.Forbidden("; ".join(denials))
    if not refusals:
        return None
    resource = kind.resource
    causes = tuple(errors.Cause(refusal.field, sentence(refusal), refusal.reason) for refusal in dict.fromkeys(refusals))
    told = [f"{cause.field}: {cause.message}" for cause in causes]
    name = review.name or str(((review.object or {}).get("metadata") or {}).get("generateName") or "")
    message = f'{resource.kind}.{resource.group} "{name}" is invalid: {told[0] if len(told) == 1 else "[" + ", ".join(told) + "]"}'
    return errors.Invalid(message, causes=causes, details={"name": name, "group": resource.group, "kind": resource.kind})


def sentence(refusal: Refusal) -> str:
    """Return what a refusal says of its field, in the form that Kubernetes gives such sentences."""
    words = _WORDS[refusal.reason]
    if refusal.reason in (REQUIRED, FORBIDDEN):
        return f"{words}: found {refusal.found}, allowed is {refusal.allowed}"
    return f"{words}: {refusal.found}: allowed is {refusal.allowed}"


def _undecodable(kind: type[Object], error: ValidationError) -> errors.BadRequest:
    wrong = [f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors(include_url=False, include_input=False)]
    return errors.BadRequest(f"the object is no {kind.resource.kind}: {'; '.join(wrong)}")
