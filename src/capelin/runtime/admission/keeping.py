"""Where the webhooks' certificate comes from: a Secret that replicas agree through, or files that somebody else renews."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from capelin.api.meta import ObjectKey, Resource, Unstructured
from capelin.runtime import errors
from capelin.runtime.admission.certificates import Certificates, Maker, Sight, Step, check_pair, from_files, is_valid, plan, to_files
from capelin.runtime.client import Client
from capelin.runtime.events import Recorder
from capelin.runtime.pki import CertificateError, KeyPair
from capelin.runtime.seams import Clock

SECRETS: Final = Resource("", "v1", "secrets", "Secret")
SECRET_NAME: Final = "capelin-webhook-certificate"  # noqa: S105 - the name of an object
SECRET_TYPE: Final = "kubernetes.io/tls"  # noqa: S105 - the name of a type
ATTEMPTS: Final = 5
"""Of one look: replicas that start together get in each other's way once or twice."""

_log: Any = structlog.get_logger(__name__)

Carried = Callable[[bytes], bool]
"""Tells whether every configuration trusts exactly this bundle (PEM)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What webhooks show, and whom API servers are to trust for it (PEM; None: that is somebody else's affair)."""

    pair: KeyPair
    bundle: bytes | None = None


class Source(Protocol):
    """Knows which certificate is to be shown."""

    async def look(self, carried: Carried | None) -> Shown:
        """Return what is to be shown now. `carried` is there when this process leads and has just read the configurations.

        Raises:
            ApiError: it could not be read or written.
            CertificateError: there is none that could be shown.
        """


@dataclass(slots=True)
class SecretKeeper:
    """Keeps the certificates in a Secret, and takes one step a look as `plan` says. Every replica has one."""

    client: Client
    key: ObjectKey
    maker: Maker
    clock: Clock
    recorder: Recorder
    _remembered: Certificates | None = None
    _announced: tuple[bytes, float] | None = None
    _unchanged: tuple[tuple[bytes, bytes], float] | None = None

    async def look(self, carried: Carried | None) -> Shown:
        """Return what is to be shown now; see `Source`."""
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._look(carried)
            except (errors.Conflict, errors.AlreadyExists):
                continue  # another replica was faster: what it wrote is as good
        return await self._look(carried)

    async def _look(self, carried: Carried | None) -> Shown:
        secret = await self.client.get(SECRETS, self.key)
        found, problem = _read(secret)
        sight = Sight(found, self._remembered, self._announced_for(found, carried), self._unchanged_for(found))
        now = self.clock.now()
        step = plan(sight, self.maker.hosts, self.maker.terms, now)
        if step is not Step.KEEP:
            found = await self.maker.after(step, sight, now)
            _log.info("Writing webhook certificates", Secret=str(self.key), step=step.value, found=problem)
            await self._write(secret, found, problem)
        if found is None:
            raise CertificateError(f"Secret {self.key}: {problem}")
        self._remembered = found
        return Shown(found.serving, found.bundle)

    def _announced_for(self, found: Certificates | None, carried: Carried | None) -> timedelta | None:
        if found is None or carried is None or not carried(found.bundle):
            self._announced = None
            return None
        if self._announced is None or self._announced[0] != found.bundle:
            self._announced = (found.bundle, self.clock.monotonic())
        return timedelta(seconds=self.clock.monotonic() - self._announced[1])

    def _unchanged_for(self, found: Certificates | None) -> timedelta:
        seen = (found.authority.certificate, found.retired) if found else (b"", b"")
        if self._unchanged is None or self._unchanged[0] != seen:
            self._unchanged = (seen, self.clock.monotonic())
        return timedelta(seconds=self.clock.monotonic() - self._unchanged[1])

    async def _write(self, secret: Unstructured | None, certificates: Certificates, problem: str) -> None:
        data = {name: base64.b64encode(content).decode() for name, content in to_files(certificates).items()}
        metadata = {"name": self.key.name, "namespace": self.key.namespace}
        fresh = Unstructured(SECRETS, {"metadata": metadata, "type": SECRET_TYPE, "data": data})
        if secret is None:
            await self.client.create(fresh)
            return
        if problem:
            _log.warning("Replacing webhook certificates that cannot be used", Secret=str(self.key), found=problem)
            self.recorder.record(secret, "Warning", "CertificatesReplaced", f"What was kept here cannot be used: {problem}")
        version = str(secret.metadata.resource_version or "")
        if secret.document.get("type") != SECRET_TYPE:  # a type cannot be changed
            await self.client.delete(SECRETS, self.key, uid=secret.uid, resource_version=version)
            await self.client.create(fresh)
            return
        await self.client.update(Unstructured(SECRETS, {**fresh.document, "metadata": {**secret.document["metadata"], **metadata}}))


@dataclass(frozen=True, slots=True)
class MountedFiles:
    """Shows what lies in a folder: `tls.crt` and `tls.key`, as a mounted Secret has them."""

    folder: Path
    clock: Clock

    async def look(self, carried: Carried | None) -> Shown:  # noqa: ARG002 - nothing here is ours to announce
        """Return what is to be shown now; see `Source`."""
        try:
            pair = KeyPair(*((self.folder / name).read_bytes() for name in ("tls.crt", "tls.key")))
        except OSError as error:
            raise CertificateError(f"{error.filename}: {error.strerror}; allowed are tls.crt and tls.key in {self.folder}") from error
        check_pair(pair)
        if not is_valid(pair.certificate, self.clock.now()):
            raise CertificateError(f"{self.folder / 'tls.crt'}: found a certificate that is not valid now")
        return Shown(pair)


def _read(secret: Unstructured | None) -> tuple[Certificates | None, str]:
    """Return what a Secret keeps, or None and what is wrong with it; nothing is wrong with a Secret that is not there."""
    if secret is None:
        return None, ""
    if secret.document.get("type") != SECRET_TYPE:
        return None, f"type: found {secret.document.get('type')!r}, allowed is {SECRET_TYPE!r}"
    try:
        data = secret.document.get("data") or {}
        return from_files({name: base64.b64decode(content, validate=True) for name, content in data.items()}), ""
    except CertificateError as error:
        return None, str(error)
    except (ValueError, TypeError):  # TypeError: whoever declares a Secret to be filled in by others may leave null in it
        return None, "data: found something that is no base64"
