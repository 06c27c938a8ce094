"""When the next line of a batch may begin."""

from app.settings.cold.batches import BatchWorkArgs


def may_begin(
    args: BatchWorkArgs,
    *,
    running: int,
    open_requests: int,
    quiet_s: float,
    waited_s: float,
    took_s: float,
) -> bool:
    """Returns whether another line may begin beside those that run.

    Beside a request that somebody waits for none begins, unless such requests were open without a
    pause for long; between two of them one runs now and then, and many once nobody has asked for a
    while. Where the machine is busy lines take longer, and the rests between them are longer, too.

    Args:
        args: How many, and how long.
        running: Lines that run.
        open_requests: Requests under way that somebody waits for.
        quiet_s: For how long there have been none.
        waited_s: Time since the last line began.
        took_s: Time that the last line took.

    >>> args = BatchWorkArgs(max_lines=8, busy_share=0.25, quiet_s=30, trickle_s=1)
    >>> may_begin(args, running=0, open_requests=1, quiet_s=0, waited_s=0.5, took_s=0.1)
    False
    >>> may_begin(args, running=0, open_requests=0, quiet_s=0.1, waited_s=0.5, took_s=0.1)
    True
    >>> may_begin(args, running=7, open_requests=0, quiet_s=31, waited_s=0.0, took_s=0.1)
    True
    """
    if args.max_lines == 0:
        return False
    if open_requests:
        return running == 0 and waited_s >= args.trickle_s
    if quiet_s < args.quiet_s:
        return running == 0 and waited_s >= min(took_s / args.busy_share, args.trickle_s)
    return running < args.max_lines
