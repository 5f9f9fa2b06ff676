"""Reviews: questions about users and their rights, answered and not stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from capelin.apiserver import statuses, strategy
from capelin.apiserver.authn import Authenticator, user_info
from capelin.apiserver.authz import Authorizer
from capelin.apiserver.requests import Attributes, Target
from capelin.runtime import errors
from capelin.runtime.codec import Document
from capelin.runtime.seams import Clock
from capelin.runtime.transport import Request, User


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Answers every kind of review."""

    authenticator: Authenticator
    authorizer: Authorizer
    clock: Clock

    def answer(self, target: Target, body: Document, user: User) -> Document:
        """Return the review with its status.

        Raises:
            BadRequest: the review is not complete.
        """
        answers: Mapping[str, Callable[[Document, User], Document]] = {
            "SelfSubjectReview": lambda _spec, user: {"userInfo": user_info(user)},
            "SelfSubjectAccessReview": self._access,
            "SelfSubjectRulesReview": lambda _spec, user: self._rules(user),
            "SubjectAccessReview": lambda spec, _user: self._access(spec, _subject(spec)),
            "LocalSubjectAccessReview": lambda spec, _user: self._access(spec, _subject(spec)),
            "TokenReview": lambda spec, _user: self._token(spec),
        }
        find = answers.get(target.definition.kind)
        if find is None:
            raise statuses.not_allowed()
        body = strategy.identified(target, body)
        spec = body.get("spec") or {}
        meta = {**body["metadata"], "creationTimestamp": strategy.wire_time(self.clock.now())}
        return {**body, "metadata": meta, "status": find(spec, user)}

    def _access(self, spec: Document, user: User) -> Document:
        allowed = self.authorizer.allows(user, _asked(spec))
        return {"allowed": allowed} if allowed else {"allowed": False, "reason": "no rule allows it"}

    def _rules(self, user: User) -> Document:
        everything = self.authorizer.allows(user, Attributes("*", "*", "*", "*"))
        return {
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}] if everything else [],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}] if everything else [],
            "incomplete": not everything,
        }

    def _token(self, spec: Document) -> Document:
        try:
            user = self.authenticator.authenticate(Request("GET", "/", headers={"authorization": f"Bearer {spec.get('token') or ''}"}))
        except errors.Unauthorized:
            user = None
        return {"authenticated": False} if user is None else {"authenticated": True, "user": user_info(user)}


def _subject(spec: Mapping[str, Any]) -> User:
    return User(str(spec.get("user") or ""), tuple(spec.get("groups") or ()), str(spec.get("uid") or ""))


def _asked(spec: Mapping[str, Any]) -> Attributes:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource:
        fields = ("verb", "group", "version", "resource", "subresource", "namespace", "name")
        return Attributes(**{field: str(resource.get(field) or "") for field in fields})
    if path:
        return Attributes(str(path.get("verb") or ""), path=str(path.get("path") or ""))
    raise errors.BadRequest("spec.resourceAttributes or spec.nonResourceAttributes must be set")
