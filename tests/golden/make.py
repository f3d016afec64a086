"""Makes tokens with the real itsdangerous, for tests/cookie/golden.rs to read and write.

    python3 -m venv .venv && .venv/bin/pip install -r tests/requirements.txt
    .venv/bin/python tests/golden/make.py > tests/golden/itsdangerous.json
"""

import hashlib
import json

from itsdangerous import TimestampSigner, encoding

KEYS = ["001-Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2", "schlüssel-mit-umlaut-äöü-Kq7Zx1Vb9Nm3"]
SALTS = ["cookie-session", "sessions.signed-cookie.session", "", "ein salz mit ü und leerzeichen"]
DIGESTS = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
TIMES = [1, 255, 256, 65_536, 1_700_000_000, 1_767_225_600, 4_294_967_296, 1_099_511_627_776]
PAYLOADS = [
    {"visits": 1},
    {"a": None, "b": [1, 2.5, "x"], "c": {"d": True}},
    {"unicode": "日本語 ✓ 𝕏", "quote": 'a"b\\c', "control": "\n\t\u007f"},
    {"dots": "a.b.c", "big": 9_007_199_254_740_993, "empty": {}, "list": []},
    {"text": "x" * 200},
]


class At(TimestampSigner):
    def __init__(self, *args, now, **kwargs):
        super().__init__(*args, **kwargs)
        self.now = now

    def get_timestamp(self):
        return self.now


vectors = []
for key in KEYS:
    for salt in SALTS:
        for digest_name, digest in DIGESTS.items():
            for at, now in enumerate(TIMES):
                content = PAYLOADS[at % len(PAYLOADS)]
                text = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
                payload = encoding.base64_encode(text).decode()
                signer = At(key, salt=salt, key_derivation="hmac", digest_method=digest, now=now)
                token = signer.sign(payload).decode()
                vectors.append(
                    {"key": key, "salt": salt, "digest": digest_name, "now": now, "content": content, "token": token}
                )
print(json.dumps(vectors, indent=1, ensure_ascii=False))
