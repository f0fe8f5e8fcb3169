"""How often a login may fail: after some free tries each failure doubles the wait, by address and by name."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass

from training.models.lru_cache import LRUCache

REMEMBERED = 4096  # addresses, and as many names; what failed longest ago is forgotten first
FORGET = 3600.0  # seconds without a failure after which all tries are free again


@dataclass(frozen=True)
class Limit:
    """free: failures before the first wait of one second. longest: seconds of the longest wait."""

    free: int
    longest: float


OF_ADDRESS = Limit(free=5, longest=300.0)
OF_NAME = Limit(free=20, longest=30.0)  # mild: anybody can let the logins of another's name fail


@dataclass(frozen=True)
class _Failures:
    count: int
    last: float  # seconds of the clock


class LoginLimits:
    """The failures of every address and name. clock: seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._failures: LRUCache[tuple[str, bytes], _Failures] = LRUCache(2 * REMEMBERED)

    def wait(self, address: str, name: bytes) -> float:
        """Seconds until a login is looked at again; 0 for now."""
        now = self._clock()
        return max(self._wait(key, limit, now) for key, limit in _keys(address, name))

    def failed(self, address: str, name: bytes) -> None:
        """Count a login that failed."""
        now = self._clock()
        for key, _ in _keys(address, name):
            known = self._failures.get(key)
            count = known.count if known is not None and now - known.last < FORGET else 0
            self._failures[key] = _Failures(count + 1, now)

    def succeeded(self, address: str, name: bytes) -> None:
        """Forget the failures of an address and a name: a person may mistype."""
        for key, _ in _keys(address, name):
            self._failures.remove(key)

    def _wait(self, key: tuple[str, bytes], limit: Limit, now: float) -> float:
        known = self._failures.get(key)
        if known is None or known.count < limit.free or now - known.last >= FORGET:
            return 0.0
        wait = min(limit.longest, 2.0 ** min(known.count - limit.free, 30))
        return max(0.0, known.last + wait - now)


def _keys(address: str, name: bytes) -> tuple[tuple[tuple[str, bytes], Limit], ...]:
    return (("address", _network(address)), OF_ADDRESS), (("name", name[:200]), OF_NAME)


def _network(address: str) -> bytes:
    """An address as it is counted: of IPv6 the first 64 bits, since one household has all that follow."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:200].encode()
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return ipaddress.ip_network((parsed, 64), strict=False).network_address.packed
    return (getattr(parsed, "ipv4_mapped", None) or parsed).packed
