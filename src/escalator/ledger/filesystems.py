"""Which file systems a ledger can lie on: SQLite's locks and shared memory need one machine and honest locks."""

from __future__ import annotations

import logging
import os
import sys
from functools import cache
from pathlib import Path
from typing import Literal

from escalator.errors import LedgerError

_log = logging.getLogger(__name__)

NETWORK_FILE_SYSTEMS = (
    *("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "afpfs", "ceph", "lustre", "beegfs"),
    *("gpfs", "glusterfs", "davfs", "webdav", "orangefs", "pvfs2", "panfs", "ocfs2", "gfs2", "coda"),
    *("fuse.glusterfs", "fuse.sshfs", "fuse.davfs", "fuse.davfs2", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse"),
    *("fuse.goofys", "fuse.cephfs", "fuse.ceph", "fuse.juicefs", "fuse.smbnetfs", "fuse.curlftpfs"),
)
SHARED_FOLDERS = ("9p", "virtiofs", "vboxsf", "prl_fs", "vmhgfs", "fakeowner", "osxfs", "grpcfuse")
"""A folder of the host shown in a guest or container: sound for one side, not for both at once."""

Trust = Literal["local", "doubtful", "network"]


def trust(kind: str) -> Trust:
    """What is known of a type of file system; one that is not known counts as local."""
    if kind in NETWORK_FILE_SYSTEMS:
        return "network"
    return "doubtful" if kind in SHARED_FOLDERS or kind.startswith("fuse.") else "local"


def check_file_system(path: Path) -> None:
    """Raise `LedgerError` on a network file system, and warn where host and guest may share a folder."""
    kind = file_system_of(path)
    known = trust(kind)
    if known == "network":
        raise LedgerError(f"The ledger {path} lies on {why_not(kind)}")
    if known == "doubtful":
        _warn_once(path, kind)


def why_not(kind: str) -> str:
    """What is wrong with a type of file system and what to do, to follow "lies on"; empty for a local one."""
    if trust(kind) == "network":
        return (
            f"a network file system ({kind}), where SQLite can corrupt it. Put it on a local disk, or give a "
            "postgresql:// address to share one between machines."
        )
    if trust(kind) == "doubtful":
        return (
            f"a shared folder or a FUSE file system ({kind}): let only this machine use the file, or put it on a "
            "local disk."
        )
    return ""


@cache
def _warn_once(path: Path, kind: str) -> None:
    _log.warning("The ledger %s lies on %s", path, why_not(kind))


def file_system_of(path: Path) -> str:
    """The type of the file system a path lies on, empty where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    device = path.stat().st_dev
    return type_of_device(mounts, f"{os.major(device)}:{os.minor(device)}", str(path.resolve()))


def type_of_device(mounts: str, device: str, path: str) -> str:
    """Find a device in the text of /proc/self/mountinfo; where several mounts fit, the deepest one counts."""
    found = [("", "")]
    for line in mounts.splitlines():
        facts, _, source = line.partition(" - ")
        fields = facts.split(" ")
        if len(fields) < 5 or not source:
            continue
        point = fields[4].replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if fields[2] == device or (inside and trust(source.split(" ")[0]) != "local"):
            found.append((point if inside else "", source.split(" ")[0]))
    return max(found, key=lambda mount: len(mount[0]))[1]
