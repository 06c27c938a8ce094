"""Memory of this process, by what the system says of each of its mappings."""

from pathlib import Path

_SMAPS = Path("/proc/self/smaps")


def private_mb() -> float:
    """Returns the memory that only this process has, in MB of 10^6 bytes: without the files that it
    has mapped, which are the page cache's. Linux alone tells."""
    kib, is_file = 0, False
    for line in _SMAPS.read_text().splitlines():
        name, _, rest = line.partition(":")
        if "-" in name and name.split("-")[0].isalnum() and " " in name:
            # A mapping's first line: addresses, rights, offset, device, inode and path.
            is_file = line.split()[4] != "0"
        elif not is_file and name in ("Private_Clean", "Private_Dirty"):
            kib += int(rest.split()[0])
    return round(kib * 1024 / 1e6, 1)
