"""The production source of private keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from capelin.runtime.seams import Threads

PUBLIC_EXPONENT: Final = 65537
"""What every RSA key in use has; small enough to verify quickly, large enough to be safe."""

_CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {"ECDSA-P256": ec.SECP256R1, "ECDSA-P384": ec.SECP384R1}
_RSA_BITS: Final = {"RSA-2048": 2048, "RSA-3072": 3072, "RSA-4096": 4096}


@dataclass(frozen=True, slots=True)
class SystemKeys:
    """Keys from the operating system's random source. RSA keys take up to a second, so they are made off the event loop."""

    threads: Threads

    async def generate(self, algorithm: str) -> bytes:
        """Return a new private key as unencrypted PKCS #8 PEM.

        Raises:
            ValueError: the algorithm is none of kubeadm's.
        """
        if algorithm in _CURVES:
            return _pem(ec.generate_private_key(_CURVES[algorithm]()))
        if algorithm in _RSA_BITS:
            return await self.threads.run(partial(_rsa_key, _RSA_BITS[algorithm]))
        allowed = ", ".join([*_CURVES, *_RSA_BITS])
        raise ValueError(f"key algorithm: found {algorithm!r}, allowed are {allowed}")


def _rsa_key(bits: int) -> bytes:
    return _pem(rsa.generate_private_key(PUBLIC_EXPONENT, bits))


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
