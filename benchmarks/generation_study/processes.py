"""Groups of processes: stopped and let go together, and what they have worked by role."""

import contextlib
import signal
from collections.abc import Iterable, Mapping, Sequence

import psutil

_WORK = ("user", "nice", "system", "irq", "softirq")


def freeze(processes: Iterable[psutil.Process]) -> None:
    """Takes the processor away from them: what does not run disturbs no measurement."""
    _signal_all(processes, signal.SIGSTOP)


def thaw(processes: Iterable[psutil.Process]) -> None:
    """Lets them go on."""
    _signal_all(processes, signal.SIGCONT)


def family(pid: int) -> list[psutil.Process]:
    """Returns a process and all that it has started; empty where it has ended."""
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    return []


def cpu_by_role(processes: Sequence[psutil.Process], roles: Mapping[str, str]) -> dict[str, float]:
    """Returns the seconds of processor time so far of each role, and of `others`.

    Args:
        processes: Whose time is summed.
        roles: What the command line or title of a process holds, by role; the first one counts.
    """
    spent_s = dict.fromkeys([*roles, "others"], 0.0)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            title = " ".join(process.cmdline())
            times = process.cpu_times()
            role = next((name for name, mark in roles.items() if mark in title), "others")
            spent_s[role] += times.user + times.system
    return spent_s


def machine_cpu_s() -> float:
    """Returns the seconds that all cores of this machine have worked since it was started."""
    times = psutil.cpu_times()
    return sum(getattr(times, kind, 0.0) for kind in _WORK)


def difference(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Returns what was worked between two readings, by role."""
    return {role: max(0.0, spent_s - before.get(role, 0.0)) for role, spent_s in after.items()}


def _signal_all(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
