// The looks at a rollout: those that the service kept from its beginning, and those seen since.

const MOST = 400;
const seen = new Map();

// Keeps what a look knows of each metric, as long as this tab is open; returns the look.
export function noteLook(found) {
  const looks = seen.get(found.id) ?? [];
  const { decision, verdicts } = found;
  if (!decision || looks.at(-1)?.at === decision.at) return found;
  const next = [...looks, { at: decision.at, stage: decision.stage, verdicts }];
  // Of many, every second one of the older half goes.
  const half = next.length / 2;
  seen.set(found.id, next.length > MOST ? next.filter((_, n) => n > half || n % 2) : next);
  return found;
}

// Returns the looks at a metric, oldest first: how much worse the canary was, and between which
// bounds, after how many of its requests in that stage.
export function looksOf(id, metric, kept) {
  const until = kept.at(-1)?.at ?? "";
  const later = (seen.get(id) ?? []).filter((look) => look.at > until);
  const looks = [];
  for (const { stage, verdicts } of [...kept, ...later]) {
    const known = verdicts.find((verdict) => verdict.metric === metric);
    if (!known) continue;
    const { change, lower, upper, canary_requests: requests } = known;
    const former = looks.at(-1);
    if (former?.stage === stage && former.requests === requests) looks.pop();
    looks.push({ stage, requests, change, lower, upper });
  }
  return looks;
}
