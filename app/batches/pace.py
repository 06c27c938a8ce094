"""When the next line of a batch may begin."""

from app.settings.batches import BatchWorkArgs


def may_begin(
    args: BatchWorkArgs, *, running: int, open_requests: int, quiet_s: float, waited_s: float
) -> bool:
    """Returns whether another line may begin beside those that run.

    Beside a request that somebody waits for none begins, unless such requests were open without a
    pause for long; between two of them few run, and many once nobody has asked for a while.

    Args:
        args: How many, and how long.
        running: Lines that run.
        open_requests: Requests under way that somebody waits for.
        quiet_s: For how long there have been none.
        waited_s: Time since the last line began.

    >>> args = BatchWorkArgs(max_lines=8, busy_lines=1, quiet_s=2, trickle_s=1)
    >>> may_begin(args, running=0, open_requests=1, quiet_s=0, waited_s=0.5)
    False
    >>> may_begin(args, running=0, open_requests=0, quiet_s=0.1, waited_s=0.0)
    True
    >>> may_begin(args, running=7, open_requests=0, quiet_s=3, waited_s=0.0)
    True
    """
    if args.max_lines == 0:
        return False
    if open_requests:
        return running == 0 and waited_s >= args.trickle_s
    if quiet_s < args.quiet_s:
        return running < min(args.busy_lines, args.max_lines)
    return running < args.max_lines
