"""Who the embedded API server is, and who may talk to it: an authority in the data directory and what it signs at every start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from capelin.runtime.pki import KeyPair, authority, issue
from capelin.runtime.seams import Clock, Keys
from capelin.runtime.transport import ServingIdentity
from capelin.workload.kubeconfig import admin_kubeconfig

HOSTS: Final = ("localhost", "127.0.0.1", "::1", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
AUTHORITY_VALIDITY: Final = timedelta(days=3650)
SERVING_VALIDITY: Final = timedelta(days=365)
"""Made anew at every start."""

WEBHOOK_CALLER: Final = "capelin-apiserver"
"""As whom the API server logs in where it asks."""

_ALGORITHM: Final = "ECDSA-P256"


@dataclass(frozen=True, slots=True)
class ManagementIdentity:
    """The authority of one data directory."""

    authority: KeyPair
    keys: Keys
    clock: Clock

    @classmethod
    async def at(cls, folder: Path, keys: Keys, clock: Clock) -> ManagementIdentity:
        """Return the authority kept in `folder`, made and stored first when there is none.

        Raises:
            OSError: it cannot be read or written.
        """
        found = _stored(folder)
        if found is None:
            found = authority("capelin-management", await keys.generate(_ALGORITHM), now=clock.now(), valid_for=AUTHORITY_VALIDITY)
            _store(folder, found)
        return cls(found, keys, clock)

    async def serving(self) -> ServingIdentity:
        """Return what the API server shows; clients log in with certificates of the same authority."""
        key = await self.keys.generate(_ALGORITHM)
        pair = issue(
            self.authority, key, common_name="kube-apiserver", hosts=HOSTS, usage="server", now=self.clock.now(), valid_for=SERVING_VALIDITY
        )
        return ServingIdentity(pair.certificate, pair.key, self.authority.certificate)

    async def webhook_login(self) -> KeyPair:
        """Return the client certificate with which the API server asks webhooks."""
        key = await self.keys.generate(_ALGORITHM)
        now = self.clock.now()
        return issue(self.authority, key, common_name=WEBHOOK_CALLER, usage="client", now=now, valid_for=SERVING_VALIDITY)

    async def admin_kubeconfig(self, server: str) -> bytes:
        """Return the kubeconfig of this machine's administrator."""
        key = await self.keys.generate(_ALGORITHM)
        return admin_kubeconfig("capelin", server, self.authority, key, now=self.clock.now())


async def token_key(folder: Path, keys: Keys) -> bytes:
    """Return the key kept in `folder` that signs the tokens of service accounts, made and stored first when there is none.

    Raises:
        OSError: it cannot be read or written.
    """
    path = folder / "sa.key"
    if not path.exists():
        write_private(path, await keys.generate(_ALGORITHM))
    return path.read_bytes()


def _stored(folder: Path) -> KeyPair | None:
    certificate = folder / "ca.crt"
    return KeyPair(certificate.read_bytes(), (folder / "ca.key").read_bytes()) if certificate.exists() else None


def _store(folder: Path, pair: KeyPair) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / "ca.key", pair.key)
    write_private(folder / "ca.crt", pair.certificate)  # last: it says that both are there


def write_private(path: Path, content: bytes) -> None:
    """Replace a file at once by one that only its owner may read.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
