// Rows of usage as what a plot and a table show.

const MOST = 5;

// Those of prompts and completions, which is what budgets count.
export const tokensOf = (row) => row.prompt_tokens + row.completion_tokens;

export const nameOf = (row, by) => row[by] || (by === "key" ? "without a key" : "none");

// Returns the largest groups with their value by day, and all the others as one.
export function groupsOf(rows, by, valueOf) {
  const groups = new Map();
  for (const row of rows) {
    const name = nameOf(row, by);
    const group = groups.get(name) ?? { name, sum: 0, byDay: new Map() };
    groups.set(name, group);
    add(group, row.day, valueOf(row));
  }
  const sorted = [...groups.values()].sort((a, b) => b.sum - a.sum);
  if (sorted.length <= MOST + 1) return sorted;
  const others = { name: "all others", sum: 0, byDay: new Map() };
  for (const group of sorted.slice(MOST)) {
    for (const [day, value] of group.byDay) add(others, day, value);
  }
  return [...sorted.slice(0, MOST), others];
}

function add(group, day, value) {
  group.sum += value;
  group.byDay.set(day, (group.byDay.get(day) ?? 0) + value);
}

// Returns the sums of each group, the dearest and busiest first.
export function sumsOf(rows, by) {
  const sums = new Map();
  for (const row of rows) {
    const name = nameOf(row, by);
    const sum = sums.get(name) ?? { name };
    sums.set(name, sum);
    for (const [figure, value] of Object.entries(row)) {
      if (typeof value === "number") sum[figure] = (sum[figure] ?? 0) + value;
    }
  }
  return [...sums.values()].sort((a, b) => b.cost_usd - a.cost_usd || b.requests - a.requests);
}
