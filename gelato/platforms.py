"""On which machines and Pythons there are packages of what Gelato needs. Pythons that are too old read this, too."""

import platform
import sys
import sysconfig

OLDEST = (3, 11)
MACHINES = {  # for which PyTorch has packages, by the system and as its Python calls the processor
    "linux": ("x86_64", "aarch64"),
    "darwin": ("arm64",),
    "win32": ("AMD64",),
}


def why_unsupported() -> str:
    """Why Gelato cannot run here, with what would work, as one sentence; "" if it can."""
    major, minor = sys.version_info[:2]
    if (major, minor) < OLDEST:
        need = f"Gelato needs Python {OLDEST[0]}.{OLDEST[1]} or newer, and this is {major}.{minor}"
        return f"{need}; name another, for example with: make PYTHON=python3.12"
    machine = platform.machine()
    works = "it runs on Macs with Apple silicon, on Windows (x86_64), and on Linux with glibc (x86_64, aarch64)"
    if sys.platform == "darwin" and machine == "x86_64":
        return f"Gelato needs PyTorch, which has had no packages for Macs with Intel processors since 2024; {works}."
    if "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or ""):
        return f"Gelato needs PyTorch, which has no packages for Linux with musl, such as Alpine; {works}."
    if machine not in MACHINES.get(sys.platform, (machine,)):
        return f"Gelato needs PyTorch, which has no packages for {sys.platform} on {machine}; {works}."
    return ""
