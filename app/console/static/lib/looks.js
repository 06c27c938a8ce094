// What was seen of running rollouts, look after look, as long as this tab is open.

const MOST = 600;
const seen = new Map();

// Keeps what a look knows of each metric; returns the look.
export function noteLook(found) {
  const looks = seen.get(found.id) ?? new Map();
  seen.set(found.id, looks);
  for (const verdict of found.verdicts) {
    const { change, lower, upper, canary_requests: requests } = verdict;
    const former = looks.get(verdict.metric) ?? [];
    if (former.at(-1)?.requests === requests) continue;
    looks.set(verdict.metric, [...former, { requests, change, lower, upper }].slice(-MOST));
  }
  return found;
}

// Returns the looks at a metric, oldest first: how much worse the canary was, and between which
// bounds, after how many of its requests.
export function looksOf(id, metric) {
  return seen.get(id)?.get(metric) ?? [];
}
