"""Independent implementation of de-identification that uses only the standard library."""

import hashlib
import hmac


def hkdf(key: bytes, info: str, length: int) -> str:
    """Derive up to 32 bytes by HKDF-SHA256 (RFC 5869), which needs one block."""
    extracted = hmac.new(b"dicom_pipeline", key, hashlib.sha256).digest()
    return hmac.new(extracted, info.encode() + b"\x01", hashlib.sha256).digest()[:length].hex()


class Oracle:
    """Expected values of the tables for a key."""

    def __init__(self, key: bytes) -> None:
        self.ki = hkdf(key, "ki", 32)
        self.ko = hkdf(key, "ko", 32)

    def hash(self, domain: str, value: str) -> str:
        inner = hashlib.sha256((self.ki + domain + "|" + value).encode()).hexdigest()
        return hashlib.sha256((self.ko + inner).encode()).hexdigest()

    def id(self, domain: str, value: str) -> str:
        return self.hash(domain, value)[:32]

    def uid(self, value: str) -> str:
        digits = self.hash("uid", value)
        return f"2.25.{(2**60 + int(digits[:15], 16)) * 10**19 + int(digits[15:30], 16)}"

    def patient_key(self, patient_id: str, issuer: str | None = None) -> str:
        second = "-" if issuer is None else f"{len(issuer)}:{issuer}"
        return self.id("patient_key", f"1{len(patient_id)}:{patient_id}{second}")

    def key(self, name: str, value: str) -> str:
        return self.id(name, f"1{len(value)}:{value}")

    def shift_days(self, patient_key: str) -> int:
        return 7 * (52 + int(self.hash("date_shift", patient_key)[:15], 16) % 469)
