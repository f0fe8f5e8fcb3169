"""Passwords of an --auth file: plain, or as hashes that do not give them away (Argon2id)."""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping

HASH = "$argon2"  # how a hash begins; a password that begins so is stored as a hash


def password_hash(password: str) -> str:
    """The hash of a password with a salt of its own; it takes some 50 ms and 64 MB, which is its purpose."""
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def is_hash(secret: str) -> bool:
    """Whether secret is a whole hash; ValueError if it only begins like one."""
    if not secret.startswith(HASH):
        return False
    from argon2 import extract_parameters
    from argon2.exceptions import InvalidHashError

    try:
        extract_parameters(secret)
    except InvalidHashError as error:
        raise ValueError("it begins like a hash of argon2 and is none") from error
    return True


class Passwords:
    """Users and their secrets: name to password, or to its hash.

    Browsers send name and password with each request. A hash is computed once for each right pair; what is remembered
    of a pair is a digest under a key of this process.
    """

    def __init__(self, users: Mapping[str, str]):
        self._plain = {name.encode(): secret.encode() for name, secret in users.items() if not is_hash(secret)}
        self._hashed = {name.encode(): secret for name, secret in users.items() if is_hash(secret)}
        self._any_hash = next(iter(self._hashed.values()), "")
        self._key = secrets.token_bytes(32)
        self._verified: dict[bytes, bytes] = {}  # the digest of the right pair, by name
        self._hashing = threading.Lock()  # one at a time: each takes 64 MB

    def __bool__(self) -> bool:
        return bool(self._plain or self._hashed)

    def was_verified(self, name: bytes, password: bytes) -> bool:
        """Whether the pair was found right before; without computing a hash."""
        return hmac.compare_digest(self._verified.get(name, b""), self._digest(name, password))

    def verify(self, name: bytes, password: bytes) -> bool:
        """Whether the pair is right. It takes as long for a name that does not exist."""
        # Every user is compared whatever the outcome, so that the time taken reveals nothing.
        matches = [
            hmac.compare_digest(name, user) & hmac.compare_digest(password, secret)
            for user, secret in self._plain.items()
        ]
        right = any(matches)
        if self._any_hash and not right:
            right = self._fits_hash(self._hashed.get(name, self._any_hash), password) and name in self._hashed
        if right:
            self._verified[name] = self._digest(name, password)
        return right

    def _fits_hash(self, stored: str, password: bytes) -> bool:
        from argon2 import PasswordHasher
        from argon2.exceptions import VerificationError

        with self._hashing:
            try:
                return PasswordHasher().verify(stored, password)
            except VerificationError:
                return False

    def _digest(self, name: bytes, password: bytes) -> bytes:
        return hmac.digest(self._key, b"%d:" % len(name) + name + password, hashlib.sha256)
