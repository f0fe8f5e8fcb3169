"""ICC profiles made from their formulas, and the same conversions to sRGB in plain numpy, to test against."""

import struct

import numpy as np
from numpy.typing import NDArray

D50 = np.array([0.9642, 1.0, 0.8249])
# Primaries as columns of XYZ under D50, and the curve by which a value becomes light.
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
DISPLAY_P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
ADOBE_RGB = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
PROPHOTO = np.array([[0.79767, 0.13519, 0.03134], [0.28804, 0.71188, 0.00009], [0.0, 0.0, 0.82491]])


def srgb_curve(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def power(gamma: float):
    return lambda values: values**gamma


SPACES = {
    "sRGB": (SRGB, srgb_curve),
    "Display P3": (DISPLAY_P3, srgb_curve),
    "Adobe RGB": (ADOBE_RGB, power(563 / 256)),
    "ProPhoto": (PROPHOTO, power(1.8)),
}


def rgb_profile(space: str) -> bytes:
    primaries, curve = SPACES[space]
    tags = {name: _xyz(primaries[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    tags |= {name: _curve(curve) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return _profile(b"RGB ", b"mntr", b"XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    return _profile(b"GRAY", b"mntr", b"XYZ ", {b"kTRC": _curve(power(gamma))})


def cmyk_profile() -> bytes:
    """An imaginary press: lightness falls with every ink, and only cyan and magenta have a colour."""
    table = b"".join(bytes(_lab8(*cmyk_as_lab(*(number >> bit & 1 for bit in (3, 2, 1, 0))))) for number in range(16))
    ramp = bytes(range(256))
    identity = b"".join(struct.pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + table + ramp * 3
    return _profile(b"CMYK", b"prtr", b"Lab ", {b"A2B0": lut})


def cmyk_as_lab(cyan: int, magenta: int, yellow: int, black: int) -> tuple[float, float, float]:
    """Of full or no ink each."""
    light = 100 - 30 * cyan - 35 * magenta - 10 * yellow
    return (0.0, 0.0, 0.0) if black else (light, 40 * magenta - 20 * cyan, -30 * cyan)


def to_srgb(values: NDArray[np.uint8], space: str) -> NDArray[np.float64]:
    """Pixels [..., 3] of an RGB space as sRGB, 0 to 255, colours that a screen cannot show clipped."""
    primaries, curve = SPACES[space]
    return _encode(curve(values / 255) @ primaries.T)


def lab_to_srgb(light: float, a: float, b: float) -> NDArray[np.float64]:
    y = (light + 16) / 116
    parts = np.array([y + a / 500, y, y - b / 200])
    return _encode(np.where(parts > 6 / 29, parts**3, (parts - 4 / 29) * 3 * (6 / 29) ** 2) * D50)


def grey_to_srgb(values: NDArray[np.uint8], gamma: float) -> NDArray[np.float64]:
    return _encode(((values / 255) ** gamma)[..., None] * D50)


def _encode(xyz: NDArray[np.float64]) -> NDArray[np.float64]:
    light = np.clip(xyz @ np.linalg.inv(SRGB).T, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _profile(space: bytes, kind: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    words = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = {b"desc": words, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": _xyz(D50), **tags}
    start = 128 + 4 + 12 * len(tags)
    entries, content = b"", b""
    for name, data in tags.items():
        entries += name + struct.pack(">II", start + len(content), len(data))
        content += data + bytes(-len(data) % 4)
    header = struct.pack(">I4xI4s4s4s", start + len(content), 0x02400000, kind, space, connection)
    header += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _fixed(*D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + entries + content


def _curve(curve) -> bytes:
    values = (curve(np.linspace(0, 1, 1024)) * 65535).round().astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", len(values)) + values.tobytes()


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(*values)


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _lab8(light: float, a: float, b: float) -> tuple[int, int, int]:
    return round(light * 2.55), round(a + 128), round(b + 128)
