"""Certificates that a TLS context shows, without a trace of their keys on a disk."""

from __future__ import annotations

import os
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def show(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Have the context show this certificate (PEM).

    Raises:
        ssl.SSLError: the key does not belong to the certificate, or one of them is none.
    """
    with _file(certificate + b"\n" + key) as path:
        context.load_cert_chain(path)


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    """Yield the path of a file with the content, since the ssl module reads keys from files only.

    On Linux the file is in memory: no disk has it, and none needs to be writable. Elsewhere it is readable by us alone and gone at once.
    """
    if sys.platform == "linux":
        with open(os.memfd_create("capelin"), "wb", buffering=0) as file:
            file.write(content)
            yield f"/proc/self/fd/{file.fileno()}"
        return
    descriptor, name = tempfile.mkstemp(prefix="capelin-")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        yield name
    finally:
        os.unlink(name)
