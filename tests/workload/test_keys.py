"""Private keys of every kind kubeadm knows."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from capelin.runtime.pki import load_key
from capelin.workload.keys import SystemKeys
from tests.fakes import FakeThreads


@pytest.mark.parametrize(("algorithm", "size"), [("ECDSA-P256", 256), ("ECDSA-P384", 384), ("RSA-2048", 2048)])
async def test_key_is_of_the_kind_asked_for(algorithm: str, size: int) -> None:
    key = load_key(await SystemKeys(FakeThreads()).generate(algorithm))

    assert key.key_size == size
    assert isinstance(key, rsa.RSAPrivateKey if algorithm.startswith("RSA") else ec.EllipticCurvePrivateKey)


async def test_unknown_kind_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="found 'DSA', allowed are ECDSA-P256"):
        await SystemKeys(FakeThreads()).generate("DSA")
