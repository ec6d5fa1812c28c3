"""What is missing around a project, and the one line that mends it: outcomes and `doctor` say the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

PAGE: Final = "docs/how-to/mend-tests-that-do-not-run.md"
"""Where the lines are explained, with what else may be in the way."""

SEE: Final = f"See {PAGE}."

WRITABLE: Final = "Set the option writable: true of the validator."
PLUGIN: Final = "Name the plug-in that defines it in the option plugins of the validator tests."
PYTHON: Final = "Set the option python of the validator tests to an interpreter that is there, or leave it out."
ELSEWHERE: Final = "Run it in a container: set sandbox.isolation: docker in the matrix."

_BUBBLEWRAP: Final = {
    "apt-get": "sudo apt-get install bubblewrap",
    "dnf": "sudo dnf install bubblewrap",
    "pacman": "sudo pacman -S bubblewrap",
    "apk": "sudo apk add bubblewrap",
    "zypper": "sudo zypper install bubblewrap",
}
_NAMESPACES: Final = {
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
    "kernel/unprivileged_userns_clone": ("0", "1"),
    "user/max_user_namespaces": ("0", "15000"),
}
"""Settings of the kernel that keep bubblewrap from its namespaces: the value that does, and one that does not."""

_IN_A_CONTAINER: Final = (
    "Start the container around it with: --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
)
_PACKAGES: Final = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "git": "gitpython",
    "jwt": "pyjwt",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "usb": "pyusb",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
"""Modules whose package has another name."""


def install(*names: str, python: str = "") -> str:
    """The line that gives an interpreter what these names of modules or packages stand for."""
    tops = (name.partition(".")[0] for name in names)
    packages = (_PACKAGES.get(top, top.replace("_", "-")) for top in tops)
    return f"Run: {python or sys.executable} -m pip install {' '.join(packages)}"


def install_project(python: str = "") -> str:
    """The line that installs the project itself, with its metadata and what a build writes."""
    return f"Run: {python or sys.executable} -m pip install -e ."


def isolation(
    *,
    installed: bool,
    programs: Path = Path("/usr/bin"),
    settings: Path = Path("/proc/sys"),
    platform: str = sys.platform,
) -> str:
    """The line that makes bubblewrap work on this machine. `installed`: whether it is there, and does not work."""
    if platform != "linux":
        return ELSEWHERE
    if not installed:
        found = (line for program, line in _BUBBLEWRAP.items() if (programs / program).exists())
        return f"Run: {next(found, _BUBBLEWRAP['apt-get'])}"
    for name, (forbids, allows) in _NAMESPACES.items():
        if _setting(settings / name) == forbids:
            return f"Run: sudo sysctl -w {name.replace('/', '.')}={allows}"
    return _IN_A_CONTAINER


def _setting(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
