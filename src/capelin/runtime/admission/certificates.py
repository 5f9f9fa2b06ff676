"""The certificate that webhooks show, the authorities behind it, and when each is replaced: values and decisions only.

An authority is replaced in steps, each of which leaves every certificate that may still be shown trusted by everybody who may still ask:

    announce   a successor joins the bundle; nothing is signed with it yet
    switch     once every configuration has been carrying the bundle for a while, the successor signs what is shown
    retire     once no replica can show the old authority's certificate any more, the old authority leaves the bundle

How long a state has lasted is told by the monotonic clock of the process that decides, as with leases: no jump of a clock and no other
machine's clock can shorten it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from capelin.runtime import pki
from capelin.runtime.pki import CertificateError, KeyPair
from capelin.runtime.seams import Keys

ALGORITHM: Final = "ECDSA-P256"
HOSTS_AT_MOST: Final = 50
"""Names in one certificate: replicas that are reached under names of their own share it, and those of long ago need not stay."""

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long things last.

    Certificates are replaced at two thirds of their life. Every replica looks at what is kept every `look_again`, and does not call itself
    ready when it has not managed to for `fresh`. A bundle counts as known to every API server after `settling`: they watch the
    configurations. `retiring` must be longer than `fresh`: then nobody who is ready shows what nobody has looked up since.
    """

    authority: timedelta = timedelta(days=730)
    serving: timedelta = timedelta(days=90)
    look_again: timedelta = timedelta(minutes=1)
    settling: timedelta = timedelta(minutes=2)
    fresh: timedelta = timedelta(minutes=10)
    retiring: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Certificates:
    """What replicas agree on: what is `serving`, the authority that signed it, the one that will sign next, and the certificates (PEM) of
    those that signed before and are still trusted."""

    serving: KeyPair
    authority: KeyPair
    successor: KeyPair | None = None
    retired: bytes = b""

    @property
    def bundle(self) -> bytes:
        """Every authority to be trusted (PEM). The same authorities give the same bytes."""
        successor = self.successor.certificate if self.successor else b""
        return b"".join(sorted(set(_PEM.findall(self.authority.certificate + successor + self.retired))))


class Step(Enum):
    """What is to be done with what is kept. One step is one write."""

    KEEP = "keep"
    START = "start"  # nothing usable is kept: make everything
    RESTORE = "restore"  # nothing usable is kept, and we remember: keep that, and announce a successor
    RENEW = "renew"  # sign a new certificate with the same authority
    ANNOUNCE = "announce"
    SWITCH = "switch"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look found.

    `found` is None when nothing usable is kept; `remembered` is what this process saw last. `announced_for` says how long every
    configuration has been carrying the bundle (None: some do not, or we do not lead and did not ask); `unchanged_for` how long the
    authorities have been the same.
    """

    found: Certificates | None
    remembered: Certificates | None = None
    announced_for: timedelta | None = None
    unchanged_for: timedelta = timedelta()


def plan(sight: Sight, hosts: Collection[str], terms: Terms, now: datetime) -> Step:
    """Return the next step. Only a process that asked the configurations switches and retires."""
    found = sight.found
    if found is None or not is_valid(found.authority.certificate, now):
        remembered = sight.remembered
        return Step.RESTORE if remembered is not None and _is_usable(remembered, now) else Step.START
    if defect(found, hosts, now) or _is_due(found.serving.certificate, now):
        return Step.RENEW
    if sight.announced_for is None:
        return Step.KEEP
    if found.successor is not None:
        return Step.SWITCH if sight.announced_for >= terms.settling else Step.KEEP
    if found.retired:
        return Step.RETIRE if sight.unchanged_for >= terms.retiring else Step.KEEP
    return Step.ANNOUNCE if _is_due(found.authority.certificate, now) else Step.KEEP


@dataclass(frozen=True, slots=True)
class Maker:
    """Carries out steps. `hosts` are the names and addresses under which API servers call."""

    hosts: tuple[str, ...]
    keys: Keys = field(repr=False)
    terms: Terms

    async def after(self, step: Step, sight: Sight, now: datetime) -> Certificates:
        """Return what is to be kept after a step that `plan` chose for `sight`.

        Raises:
            CertificateError: there is nothing the step could be done with.
        """
        basis = sight.remembered if step is Step.RESTORE else sight.found
        if step is Step.START:
            authority = await self._authority(now)
            return Certificates(await self._serving(authority, (), now), authority)
        if basis is None:
            raise CertificateError(f"found no certificates to {step.value}")
        match step:
            case Step.RESTORE | Step.ANNOUNCE:
                return replace(basis, successor=await self._authority(now))
            case Step.RENEW:
                others = _hosts(basis.serving.certificate)
                return replace(basis, serving=await self._serving(basis.authority, others, now))
            case Step.SWITCH if basis.successor is not None:
                others = _hosts(basis.serving.certificate)
                serving = await self._serving(basis.successor, others, now)
                return Certificates(serving, basis.successor, retired=basis.authority.certificate + basis.retired)
            case Step.RETIRE:
                return replace(basis, retired=b"")
            case _:
                return basis

    async def _authority(self, now: datetime) -> KeyPair:
        key = await self.keys.generate(ALGORITHM)
        return pki.authority("capelin-webhook-ca", key, now=now, valid_for=self.terms.authority)

    async def _serving(self, authority: KeyPair, others: Collection[str], now: datetime) -> KeyPair:
        hosts = tuple(dict.fromkeys((*self.hosts, *others)))[:HOSTS_AT_MOST]
        key = await self.keys.generate(ALGORITHM)
        return pki.issue(authority, key, common_name="capelin-webhook", hosts=hosts, usage="server", now=now, valid_for=self.terms.serving)


# -- what is kept ---------------------------------------------------------------------------------------------------------------------

_OPTIONAL: Final = ("successor.crt", "successor.key", "retired.crt")
_REQUIRED: Final = ("tls.crt", "tls.key", "ca.crt", "ca.key", "authority.crt")


def to_files(certificates: Certificates) -> dict[str, bytes]:
    """Return the contents of the Secret: `tls.crt` and `tls.key` are shown, `ca.crt` is to be trusted, the rest is for the next steps."""
    successor = certificates.successor or KeyPair(b"", b"")
    files = {
        "tls.crt": certificates.serving.certificate,
        "tls.key": certificates.serving.key,
        "ca.crt": certificates.bundle,
        "ca.key": certificates.authority.key,
        "authority.crt": certificates.authority.certificate,
        "successor.crt": successor.certificate,
        "successor.key": successor.key,
        "retired.crt": certificates.retired,
    }
    return {name: content for name, content in files.items() if content or name in _REQUIRED}


def from_files(files: dict[str, bytes]) -> Certificates:
    """Return what the contents of a Secret say. What is served may be damaged (see `defect`), the authorities are not.

    Raises:
        CertificateError: an authority is missing, damaged or without its own key; the message quotes nothing.
    """
    if missing := [name for name in _REQUIRED if not files.get(name)]:
        raise CertificateError(f"{', '.join(missing)}: found nothing")
    successor = KeyPair(files["successor.crt"], files.get("successor.key", b"")) if files.get("successor.crt") else None
    authority = KeyPair(files["authority.crt"], files["ca.key"])
    for name, pair in (("authority.crt", authority), *((("successor.crt", successor),) if successor else ())):
        _check_pair(name, pair)
        _check_authority(name, pair.certificate)
    found = Certificates(KeyPair(files["tls.crt"], files["tls.key"]), authority, successor, files.get("retired.crt", b""))
    for certificate in _PEM.findall(found.retired):
        pki.load_certificate(certificate)
    if files["ca.crt"] != found.bundle:
        raise CertificateError("ca.crt: found other authorities than authority.crt, successor.crt and retired.crt name")
    return found


def defect(certificates: Certificates, hosts: Collection[str], now: datetime) -> str:
    """Return what is wrong with the serving certificate; empty when it can be shown."""
    try:
        _check_pair("tls.crt", certificates.serving)
        found = pki.load_certificate(certificates.serving.certificate)
        found.verify_directly_issued_by(pki.load_certificate(certificates.authority.certificate))
    except CertificateError as error:
        return str(error)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return "tls.crt: found a certificate that authority.crt has not signed"
    if not is_valid(certificates.serving.certificate, now):
        return "tls.crt: found a certificate that is not valid now"
    if missing := sorted(set(hosts) - set(_hosts(certificates.serving.certificate))):
        return f"tls.crt: found a certificate that is not for {', '.join(missing)}"
    return ""


def is_valid(certificate: bytes, now: datetime) -> bool:
    """Tell whether a certificate (PEM) that can be read is valid at a time."""
    found = pki.load_certificate(certificate)
    return found.not_valid_before_utc <= now < found.not_valid_after_utc


def check_pair(pair: KeyPair) -> None:
    """Return when a certificate and a key (PEM) belong together.

    Raises:
        CertificateError: they do not, or one of them cannot be read.
    """
    _check_pair("tls.crt", pair)


def _is_usable(certificates: Certificates, now: datetime) -> bool:
    return is_valid(certificates.authority.certificate, now) and not defect(certificates, (), now)


def _is_due(certificate: bytes, now: datetime) -> bool:
    found = pki.load_certificate(certificate)
    return now >= found.not_valid_before_utc + (found.not_valid_after_utc - found.not_valid_before_utc) * 2 / 3


def _check_pair(name: str, pair: KeyPair) -> None:
    try:
        found = pki.load_certificate(pair.certificate).public_key()
        ours = pki.public_key(pair.key)
    except CertificateError as error:
        raise CertificateError(f"{name} and its key: {error}") from error
    except UnsupportedAlgorithm:
        raise CertificateError(f"{name}: found a key of another kind, allowed are RSA and ECDSA") from None
    if found.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo) != ours:
        raise CertificateError(f"{name} and its key: found a key that does not belong to the certificate")


def _check_authority(name: str, certificate: bytes) -> None:
    try:
        constraints = pki.load_certificate(certificate).extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        raise CertificateError(f"{name}: found a certificate that may sign no other") from None
    if not constraints.value.ca:
        raise CertificateError(f"{name}: found a certificate that may sign no other")


def _hosts(certificate: bytes) -> tuple[str, ...]:
    """Return the names and addresses a certificate is for; none when it cannot be read."""
    try:
        names = pki.load_certificate(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (CertificateError, x509.ExtensionNotFound, ValueError):
        return ()
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [
        found for found in names.get_values_for_type(x509.IPAddress) if isinstance(found, ipaddress.IPv4Address | ipaddress.IPv6Address)
    ]
    return (*names.get_values_for_type(x509.DNSName), *map(str, addresses))
