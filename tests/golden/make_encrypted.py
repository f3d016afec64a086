"""Makes encrypted tokens with another implementation, for tests/cookie/encrypted.rs to read.

    python3 -m venv .venv && .venv/bin/pip install -r tests/requirements.txt
    .venv/bin/python tests/golden/make_encrypted.py > tests/golden/encrypted.json

What the format is, once more: version 1, a salt of 32 bytes, and AES-256-GCM of the JSON and the time,
under HKDF-SHA256 of the ring's key, with the salt as info; nonce zero; the version and the purpose as
associated data.
"""

import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEYS = ["001-Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2", "schlüssel-mit-umlaut-äöü-Kq7Zx1Vb9Nm3", "k7#" * 3 + "Qz" * 30 + "!"]
# The name of a cookie, or a salt.
PURPOSES = [("session", None), ("__Host-app", None), ("session", ""), ("session", "ein salz mit ü und leerzeichen")]
TIMES = [0, 255, 65_536, 1_767_225_600, 1_099_511_627_776]
PAYLOADS = [
    {"visits": 1},
    {"a": None, "b": [1, 2.5, "x"], "c": {"d": True}},
    {"unicode": "日本語 ✓ 𝕏", "quote": 'a"b\\c', "control": "\n\t\u007f"},
    {"text": "x" * 200},
]


def seal(key, purpose, salt, content, now):
    derived = HKDF(hashes.SHA256(), length=32, salt=b"sessions.encrypted-cookie", info=salt).derive(key)
    text = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    sealed = AESGCM(derived).encrypt(bytes(12), text.encode() + now.to_bytes(8, "big"), b"\x01" + purpose.encode())
    return base64.urlsafe_b64encode(b"\x01" + salt + sealed).decode().rstrip("=")


vectors = []
for key in KEYS:
    for name, policy in PURPOSES:
        for now in TIMES:
            content = PAYLOADS[len(vectors) % len(PAYLOADS)]
            purpose = f"sessions.encrypted-cookie.{name}" if policy is None else policy
            salt = hashlib.sha256(f"token {len(vectors)}".encode()).digest()
            token = seal(key.encode(), purpose, salt, content, now)
            vectors.append(
                {"key": key, "name": name, "salt": policy, "now": now, "content": content, "token": token}
            )
print(json.dumps(vectors, indent=1, ensure_ascii=False))
