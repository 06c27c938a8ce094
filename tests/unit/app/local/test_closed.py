"""Other users of the machine are kept out of a stack's folders."""

from pathlib import Path

import pytest

from app.client.errors import CliError
from app.local.closed import require_closed
from app.local.home import Home


def test_a_folder_of_ones_own_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    require_closed(tmp_path)


@pytest.mark.parametrize("mode", [0o777, 0o755, 0o710, 0o701])
def test_a_folder_that_others_may_enter_is_refused_with_its_remedy(
    tmp_path: Path, mode: int
) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(CliError) as refused:
        require_closed(tmp_path)
    assert refused.value.hint is not None
    assert f"chmod 700 {tmp_path}" in refused.value.hint


def test_a_link_to_a_closed_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(CliError):
        require_closed(link)


def test_a_home_that_was_open_is_closed(tmp_path: Path) -> None:
    root = tmp_path / "home"
    root.mkdir(mode=0o755)
    Home(root).create()
    require_closed(root)
