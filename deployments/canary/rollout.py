"""The course of a rollout: what happens next, as a function of the policy, the evidence, the state
and the time.

    running (stage 0, 1, ...) ──> promoted
        │   ^   └───────────────> rolled_back
        v   │                       ^
      paused ───────────────────────┘

Nothing here has a clock or a memory: the same arguments always give the same decision.
"""

from dataclasses import dataclass, replace
from typing import Literal

from deployments.canary.evidence import Evidence
from deployments.canary.hard_limits import guard
from deployments.canary.policy import Policy, Shadow, Stage, Step
from deployments.canary.verdict import Verdict, judge

Phase = Literal["running", "paused", "promoted", "rolled_back"]
Action = Literal["hold", "advance", "promote", "roll_back", "pause", "resume", "approve"]


@dataclass(frozen=True, slots=True)
class State:
    """Where a rollout is.

    Args:
        phase: A promoted or rolled back one never changes again.
        stage: Number of the stage, see `Policy.stages`.
        entered_s: When the stage began, in seconds since the epoch.
        deadline_from_s: When its deadline began to run; later where it was paused.
        approved: Whether a person agreed that it goes on after this stage.
        sequence: Number of changes so far. Who stores a state checks that it is still the one
            before, so that no change is made twice.
        reason: Why it is as it is.
    """

    phase: Phase
    stage: int
    entered_s: float
    deadline_from_s: float
    approved: bool = False
    sequence: int = 0
    reason: str = "started"

    @property
    def ended(self) -> bool:
        return self.phase in ("promoted", "rolled_back")


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done, and why.

    Args:
        action: What is done now.
        wanted: What would be done if the policy's mode allowed it.
        reason: Why, in words.
        stage: The stage it was made in.
        at_s: When, in seconds since the epoch.
        verdicts: What is known of every metric.
        by: Who decided; empty where nobody did it by hand.
    """

    action: Action
    wanted: Action
    reason: str
    stage: int
    at_s: float
    verdicts: tuple[Verdict, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True)
class Shares:
    """Who gets what: shares of all requests. `shadow` is repeated on the canary and thrown away."""

    canary: float = 0.0
    baseline: float = 0.0
    shadow: float = 0.0


def start(now_s: float) -> State:
    """Returns the state in which a rollout begins."""
    return State("running", stage=0, entered_s=now_s, deadline_from_s=now_s)


def shares(policy: Policy, state: State) -> Shares:
    """Returns which share of the requests each arm gets. The canary's and the baseline's callers
    lie at both ends of the hash, so a caller changes arms only from stable to canary."""
    if state.phase == "promoted":
        return Shares(canary=1.0)
    if state.phase == "rolled_back":
        return Shares()
    stage = policy.stages[state.stage]
    if isinstance(stage, Shadow):
        return Shares(shadow=stage.share)
    assert isinstance(stage, Step)
    rest = 1.0 - stage.weight
    return Shares(stage.weight, min(policy.baseline_ratio * stage.weight, rest))


def counted_from_s(policy: Policy, state: State) -> float:
    """Returns from when on requests of the stage are evidence: its warm-up is over."""
    return state.entered_s + policy.warm_up_s


def examine(policy: Policy, evidence: Evidence) -> tuple[Verdict, ...]:
    """Returns the verdicts on everything that the policy names, the absolute ones first."""
    compared = (judge(policy, evidence, name) for name in policy.guardrails)
    return (*guard(policy, evidence), *(one for one in compared if one is not None))


def decide(
    policy: Policy, evidence: Evidence, state: State, now_s: float
) -> tuple[Decision, State]:
    """Returns what is to be done, and the state after it.

    A failure rolls back, also while the rollout is paused. Too little data neither promotes nor
    rolls back. Evidence of another stage counts as none.
    """
    if state.ended:
        return Decision("hold", "hold", state.reason, state.stage, now_s), state
    if evidence.stage != state.stage:
        evidence = Evidence(state.stage, policy.block_s)
    verdicts = examine(policy, evidence)
    failed = [
        verdict.reason for verdict in verdicts if verdict.outcome == "fail" and verdict.rolls_back
    ]
    wanted: Action
    if failed:
        wanted, reason = "roll_back", "; ".join(failed)
    elif state.phase == "paused":
        wanted, reason = "hold", state.reason
    else:
        wanted, reason = _forward(policy, evidence, verdicts, state, now_s)
    action = wanted if _allowed(policy, wanted) else "hold"
    decision = Decision(action, wanted, reason, state.stage, now_s, verdicts)
    return decision, apply_action(action, reason, state, now_s)


def _forward(
    policy: Policy,
    evidence: Evidence,
    verdicts: tuple[Verdict, ...],
    state: State,
    now_s: float,
) -> tuple[Action, str]:
    """Returns what becomes of a running stage in which nothing failed."""
    stage = policy.stages[state.stage]
    waits = _waits_for(policy, stage, evidence, verdicts, now_s - counted_from_s(policy, state))
    if not waits:
        if stage.approval and not state.approved:
            return "hold", "waits for approval"
        last = state.stage == len(policy.stages) - 1
        reason = "every guardrail is passed"
        if stage.goes_on == "unless_worse":
            reason = "no guardrail seems worse than its margin"
        return ("promote" if last else "advance"), reason
    reason = "; ".join(waits)
    if now_s - state.deadline_from_s < stage.deadline_s or policy.on_deadline == "wait":
        return "hold", reason
    return policy.on_deadline, f"undecided after {stage.deadline_s:.0f} s: {reason}"


def _waits_for(
    policy: Policy,
    stage: Stage,
    evidence: Evidence,
    verdicts: tuple[Verdict, ...],
    elapsed_s: float,
) -> list[str]:
    """Returns what is missing before a stage may be left."""
    waits = []
    if elapsed_s < stage.min_duration_s:
        waits.append(f"{max(elapsed_s, 0.0):.0f} of {stage.min_duration_s:.0f} s")
    requests = evidence.requests.get("canary", 0)
    if requests < stage.min_requests:
        waits.append(f"{requests} of {stage.min_requests} requests")
    deciding = [verdict for verdict in verdicts if verdict.rolls_back and verdict.holds_up]
    waits += [one.reason for one in deciding if not _lets_pass(stage, one)]
    if not any(one.metric in policy.guardrails for one in deciding):
        waits.append("no guardrail has a value")
    return waits


def _lets_pass(stage: Stage, verdict: Verdict) -> bool:
    if stage.goes_on == "unless_worse" and verdict.outcome == "inconclusive":
        return not verdict.seems_worse
    return verdict.outcome == "pass"


def _allowed(policy: Policy, action: Action) -> bool:
    if policy.mode == "abort_only":
        return action in ("roll_back", "pause")
    return policy.mode == "auto"


def apply_action(action: Action, reason: str, state: State, now_s: float) -> State:
    """Returns the state after an action; `decide` and people choose which."""
    if action == "hold":
        return state
    changed = replace(state, sequence=state.sequence + 1, reason=reason)
    if action == "advance":
        return replace(
            changed,
            phase="running",
            stage=state.stage + 1,
            entered_s=now_s,
            deadline_from_s=now_s,
            approved=False,
        )
    if action == "resume":
        return replace(changed, phase="running", deadline_from_s=now_s)
    if action == "approve":
        return replace(changed, approved=True)
    phases: dict[Action, Phase] = {
        "promote": "promoted",
        "roll_back": "rolled_back",
        "pause": "paused",
    }
    return replace(changed, phase=phases[action])
