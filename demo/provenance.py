"""`provenance` saves a picture so that anyone can tell it is synthetic, and reads that back.

Two marks, as the AI Act's code of practice wants: a signed C2PA manifest (strong, easily stripped)
and the invisible mark of `mark.py` (weak, hard to strip). Neither names a person or holds a face.
The certificate is made anew in each process and never stored: readers say "valid, signer unknown",
which is the truth about a self-made one.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkstemp

import c2pa
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from demo.mark import mark, marked
from demo.picture import encode_picture, read_picture

Array = np.ndarray
SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
NAME = "MobileFaceSwap"
TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"verify_trust": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
}


def save(path: Path | str, frame: Array) -> None:
    """Mark, write and sign a picture; whole or not at all (a temporary neighbour is renamed).

    frame: (h, w, 3) uint8 RGB. path: .jpg, .png or .webp, else ValueError.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    data = sign(encode_picture(mark(frame), suffix), TYPES[suffix])
    handle, part = mkstemp(prefix=".part-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(part, 0o644)
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)


@dataclass(frozen=True)
class Verdict:
    """signed: a C2PA manifest is there. valid: it fits the bytes. synthetic: it says so.
    marked: the invisible mark is in the pixels."""

    signed: bool
    valid: bool
    synthetic: bool
    marked: bool

    @property
    def sentence(self) -> str:
        """What a person wants to know."""
        seen = "The invisible mark is in its pixels." if self.marked else "No invisible mark."
        if not self.signed:
            return f"No signed manifest. {seen}"
        if not (self.valid or self.synthetic):
            return f"Signed once, and altered since. {seen}"
        state = "signed and unaltered since" if self.valid else "altered after it was signed"
        kind = "as synthetic" if self.synthetic else "without a word on how it was made"
        return f"Declared {kind} by its manifest; {state}. {seen}"


def verify(path: Path | str) -> Verdict:
    """Read both marks of a picture file. Raises UnreadableError, TooLargeError."""
    found = marked(read_picture(path))
    data = Path(path).read_bytes()
    kind = media_type(data)
    if kind is None:
        return Verdict(False, False, False, found)
    try:
        with c2pa.Reader(kind, io.BytesIO(data), context=context()) as reader:
            text, state = reader.json(), reader.get_validation_state()
    except c2pa.C2paError:  # none, or one that is broken: bytes of it are still there
        return Verdict(b"c2pa" in data, False, False, found)
    synthetic = SYNTHETIC in json.dumps(json.loads(text))
    return Verdict(True, state in ("Valid", "Trusted"), synthetic, found)


def media_type(data: bytes) -> str | None:
    """By the first bytes, because names lie: the kinds of picture that we sign, or None."""
    if data.startswith(b"\x89PNG"):
        return "image/png"
    if data.startswith(b"\xff\xd8"):
        return "image/jpeg"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def sign(data: bytes, kind: str) -> bytes:
    """The bytes of a picture with a C2PA manifest in them. kind: its MIME type."""
    action = {"action": "c2pa.created", "digitalSourceType": SYNTHETIC}
    manifest = {
        "claim_generator_info": [{"name": NAME, "version": "0.1.0"}],
        "format": kind,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    chain, key = credentials()
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None)
    out = io.BytesIO()
    with c2pa.Signer.from_info(info) as signer, c2pa.Builder(manifest, context()) as builder:
        builder.sign(signer, kind, io.BytesIO(data), out)
    return out.getvalue()


def context() -> c2pa.Context:
    return c2pa.Context(c2pa.Settings.from_dict(SETTINGS))


@cache
def credentials() -> tuple[bytes, bytes]:
    """(certificate chain, private key) in PEM: a P-256 leaf under a P-256 root, this process's."""
    root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = certificate(f"{NAME} root", root_key, f"{NAME} root", root_key, authority=True)
    leaf = certificate(NAME, leaf_key, f"{NAME} root", root_key, authority=False)
    pem = serialization.Encoding.PEM
    key = leaf_key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return leaf.public_bytes(pem) + root.public_bytes(pem), key


def certificate(name: str, key, issuer: str, issuer_key, *, authority: bool) -> x509.Certificate:
    """C2PA asks of a leaf: digitalSignature, an extended usage, the authority's key identifier."""
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(titled(name))
        .issuer_name(titled(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not authority,
                key_cert_sign=authority,
                crl_sign=authority,
                **usage,
            ),
            critical=True,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if not authority:
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purposes, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def titled(name: str) -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, NAME), (NameOID.COMMON_NAME, name))
    return x509.Name([x509.NameAttribute(*part) for part in parts])
