"""A process in a root file system of its own: mounts, process ids and user as in a container.

The network is this machine's, where the tests' brokers listen on loopback.
"""

import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

#: What a container finds in /dev.
DEVICES = ("null", "zero", "full", "random", "urandom")


def inside(
    root: Path,
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    workdir: str = "/",
    user: str = "0:0",
    read_only: bool = False,
    volumes: Mapping[str, Path] | None = None,
) -> list[str]:
    """The command line that runs `command` as process 1 below `root`.

    All that it starts ends with it. `volumes` are folders of this machine by where they are seen.
    """
    q = shlex.quote
    at = q(str(root))
    script = [
        "mount --make-rprivate /",
        f"mount --bind {at} {at}",
        f"mount -t tmpfs -o mode=755,size=1m tmpfs {at}/dev",
        *(f"touch {at}/dev/{d} && mount --bind /dev/{d} {at}/dev/{d}" for d in DEVICES),
        f"mount -t proc proc {at}/proc",
        f"if [ ! -L {at}/etc/resolv.conf ]; then touch {at}/etc/resolv.conf",
        f"mount --bind /etc/resolv.conf {at}/etc/resolv.conf; fi",
        *(f"mount --bind {q(str(f))} {at}{q(to)}" for to, f in (volumes or {}).items()),
    ]
    if read_only:
        script.append(f"mount -o remount,bind,ro {at}")
    variables = [f"{name}={value}" for name, value in environ.items()]
    started = ["chroot", f"--userspec={user}", "--groups=", str(root)]
    started += ["env", "-i", f"--chdir={workdir}", *variables]
    # Asked for once the user is another one, for with that the request would be forgotten.
    started += ["setpriv", "--pdeathsig=KILL", "--no-new-privs"]
    script.append(f"exec {shlex.join([*started, *command])}")
    namespaces = [shutil.which("unshare") or "unshare", "--mount", "--pid", "--fork"]
    return [*namespaces, "sh", "-euc", "\n".join(script)]
