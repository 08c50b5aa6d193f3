"""`https` makes a certificate for this machine's own names, so that phones nearby may use a camera.

Browsers give the camera to secure pages alone. Nobody vouches for this certificate: the phone warns
once, and the person says go on. It is made anew at each start and its key never outlives the
process. It knows names and addresses; it knows nothing of the server.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 90


def address() -> str:
    """This machine's address in the network around it, 127.0.0.1 without one. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))  # UDP: only a route is looked up
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


def certificate() -> tuple[bytes, bytes]:
    """(certificate, private key) in PEM, for localhost, this host's name and its address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "MobileFaceSwap on this machine")])
    now = datetime.now(UTC)
    host = socket.gethostname()
    names = [x509.DNSName(n) for n in ("localhost", host, f"{host}.local") if n.isascii()]
    numbers = [x509.IPAddress(ipaddress.ip_address(n)) for n in {"127.0.0.1", address()}]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(names + numbers), critical=False)
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return made.public_bytes(pem), secret


@contextmanager
def certified() -> Iterator[dict[str, str]]:
    """uvicorn's two arguments, for as long as the block lasts; the files are gone after it."""
    with TemporaryDirectory() as folder:
        chain, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        key.touch(mode=0o600)
        for path, data in zip((chain, key), certificate(), strict=True):
            path.write_bytes(data)
        yield {"ssl_certfile": str(chain), "ssl_keyfile": str(key)}
