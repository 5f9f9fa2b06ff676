"""Certificates as values: PEM in, PEM out, with the time as an argument. Nothing here makes a key or talks to anybody."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLOCK_SKEW: Final = timedelta(minutes=5)
"""Certificates begin this long ago, for readers whose clocks are behind."""

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_USAGES: Final = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


class CertificateError(ValueError):
    """A certificate or key cannot be used; the message names it and never quotes it."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate (for a service account: a public key) and its private key, both PEM. `key` is empty when only its owner has it."""

    certificate: bytes
    key: bytes = field(repr=False)


def authority(common_name: str, key: bytes, *, now: datetime, valid_for: timedelta) -> KeyPair:
    """Return a certificate authority that signs itself and may sign no other authority."""
    private = load_key(key)
    subject = _name(common_name, ())
    builder = (
        _builder(subject, subject, private, now=now, valid_for=valid_for)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
    )
    return KeyPair(_pem(builder.sign(private, hashes.SHA256())), key)


def issue(
    issuer: KeyPair,
    key: bytes,
    *,
    common_name: str,
    organizations: Sequence[str] = (),
    hosts: Collection[str] = (),
    usage: Literal["server", "client"],
    now: datetime,
    valid_for: timedelta,
) -> KeyPair:
    """Return a certificate for `key` signed by `issuer`, ending no later than the issuer does.

    `hosts` are the DNS names and IP addresses it is valid for.

    Raises:
        CertificateError: the issuer cannot be read.
    """
    private, signer, parent = load_key(key), load_key(issuer.key), load_certificate(issuer.certificate)
    valid_for = min(valid_for, parent.not_valid_after_utc - now)
    builder = (
        _builder(_name(common_name, organizations), parent.subject, private, now=now, valid_for=valid_for)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_USAGES[usage]]), critical=False)
        .add_extension(_authority_identifier(parent), critical=False)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
    return KeyPair(_pem(builder.sign(signer, hashes.SHA256())), key)


def public_key(key: bytes) -> bytes:
    """Return the public half of a private key, as PEM."""
    return load_key(key).public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def spki_hash(certificate: bytes) -> str:
    """Return `sha256:` and the hash of the certificate's public key, by which kubeadm recognises an authority.

    Raises:
        CertificateError: it is no certificate.
    """
    found = load_certificate(certificate).public_key()
    spki = found.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(spki).hexdigest()}"


def load_certificate(certificate: bytes) -> x509.Certificate:
    """Return the first certificate of the PEM text.

    Raises:
        CertificateError: there is none.
    """
    try:
        return x509.load_pem_x509_certificate(certificate)
    except ValueError:
        raise CertificateError("found text that is no certificate, allowed is a certificate in PEM") from None


def load_key(key: bytes) -> PrivateKey:
    """Return the private key of the PEM text.

    Raises:
        CertificateError: there is none, it is encrypted, or it is neither RSA nor ECDSA.
    """
    try:
        found = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError):
        raise CertificateError("found text that is no private key, allowed is an unencrypted private key in PEM") from None
    if not isinstance(found, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CertificateError("found a private key of another kind, allowed are RSA and ECDSA")
    return found


def _builder(subject: x509.Name, issuer: x509.Name, key: PrivateKey, *, now: datetime, valid_for: timedelta) -> x509.CertificateBuilder:
    not_before = now.replace(microsecond=0) - CLOCK_SKEW
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(_serial_number(key, subject, not_before))
        .not_valid_before(not_before)
        .not_valid_after(now.replace(microsecond=0) + valid_for)
    )


def _serial_number(key: PrivateKey, subject: x509.Name, not_before: datetime) -> int:
    """Return a number no other certificate of the issuer has: one key gets one certificate per subject and second."""
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.sha256(spki + subject.public_bytes() + not_before.isoformat().encode()).digest()
    return int.from_bytes(digest[:16]) | 1  # positive, at most 20 octets, as RFC 5280 asks


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=is_authority,
        crl_sign=False,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_identifier(parent: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Name the issuer as it names itself; an authority that was brought along may do so in a way of its own, or not at all."""
    try:
        own = parent.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        public = parent.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            raise CertificateError("found an authority with a key of another kind, allowed are RSA and ECDSA") from None
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(public)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def _name(common_name: str, organizations: Sequence[str]) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization) for organization in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
