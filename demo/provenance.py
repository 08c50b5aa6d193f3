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
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

import c2pa
import cv2
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from demo.decode import frames
from demo.mark import SIDE, mark, marked
from demo.media import probe
from demo.picture import encode_picture, read_picture

Array = np.ndarray
SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
NAME = "MobileFaceSwap"
TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
CLIPS = {".mp4": "video/mp4", ".mov": "video/quicktime"}
WEBM = "video/webm"
STILL = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")  # pictures in a clip's container
LOOKS = 16  # frames of a clip in which the mark is sought
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
    """Read both marks of a picture or a clip. Raises UnreadableError, TooLargeError."""
    path = Path(path)
    kind = media_type(head(path))
    moving = kind in (*CLIPS.values(), WEBM)
    found = marked_clip(path) if moving else marked(read_picture(path))
    if kind is None or kind == WEBM:
        return Verdict(False, False, False, found)
    with open(path, "rb") as file:
        try:
            with c2pa.Reader(kind, file, context=context()) as reader:
                text, state = reader.json(), reader.get_validation_state()
        except c2pa.C2paError:  # none, or one that is broken: bytes of it are still there
            return Verdict(holds(path, b"c2pa"), False, False, found)
    synthetic = SYNTHETIC in json.dumps(json.loads(text))
    return Verdict(True, state in ("Valid", "Trusted"), synthetic, found)


def head(path: Path) -> bytes:
    """The first bytes of a file, none if it cannot be read: then its reader says why."""
    try:
        with open(path, "rb") as file:
            return file.read(32)
    except OSError:
        return b""


def holds(path: Path, word: bytes) -> bool:
    """Whether a file holds a word, read in parts."""
    kept = b""
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            if word in kept + part:
                return True
            kept = part[-len(word) :]
    return False


def media_type(data: bytes) -> str | None:
    """By the first bytes, because names lie: the kinds of file that we write, or None."""
    if data.startswith(b"\x89PNG"):
        return "image/png"
    if data.startswith(b"\xff\xd8"):
        return "image/jpeg"
    if data.startswith(b"\x1aE\xdf\xa3"):
        return WEBM
    if data[4:8] == b"ftyp" and data[8:12] not in STILL:
        return CLIPS[".mov"] if data[8:12] == b"qt  " else CLIPS[".mp4"]
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def marked_clip(path: Path) -> bool:
    """Whether the mark is in a clip: it stands still, so the mean of some frames shows it best."""
    clip = probe(path)
    mean, count = np.zeros((SIDE, SIDE, 3), np.float32), 0
    for time in clip.times[:: max(1, len(clip.times) // LOOKS)]:
        for _, frame in islice(frames(clip, time, clip.stop), 1):
            mean += cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            count += 1
    return marked(mean / max(count, 1))


def sign(data: bytes, kind: str) -> bytes:
    """The bytes of a picture with a C2PA manifest in them. kind: its MIME type."""
    out = io.BytesIO()
    sign_stream(io.BytesIO(data), out, kind)
    return out.getvalue()


def seal(path: Path, out: Path) -> None:
    """A clip signed into another file, read in parts. C2PA knows no WebM: that is copied as it is,
    and carries the invisible mark and a comment."""
    kind = CLIPS.get(path.suffix.lower())
    if kind is None:
        shutil.copyfile(path, out)
        return
    with open(path, "rb") as source, open(out, "w+b") as target:
        sign_stream(source, target, kind)


def sign_stream(source: BinaryIO, target: BinaryIO, kind: str) -> None:
    action = {"action": "c2pa.created", "digitalSourceType": SYNTHETIC}
    manifest = {
        "claim_generator_info": [{"name": NAME, "version": "0.1.0"}],
        "format": kind,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    chain, key = credentials()
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None)
    with c2pa.Signer.from_info(info) as signer, c2pa.Builder(manifest, context()) as builder:
        builder.sign(signer, kind, source, target)


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
