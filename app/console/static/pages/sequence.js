// A confidence sequence as a picture: how much worse the canary is, between which bounds, after how
// many of its requests; and what is tolerated.

import { html } from "../vendor/preact.js";
import { signed, words } from "../lib/format.js";

const [WIDTH, HEIGHT, LEFT, BELOW] = [320, 120, 46, 16];

export function Sequence({ verdict, looks }) {
  const points = looks.filter((look) => look.lower != null || look.change != null);
  if (points.length === 0) return html`<p class="empty">Nothing is known yet.</p>`;
  const margin = verdict.margin ?? 0;
  const [least, most] = range(points, margin);
  const first = points[0].requests;
  const span = points.at(-1).requests - first || 1;
  const x = (requests) => LEFT + ((WIDTH - LEFT - 6) * (requests - first)) / span;
  const y = (value) =>
    4 + (HEIGHT - BELOW - 4) * (1 - (Math.min(most, Math.max(least, value)) - least) / (most - least));
  // One look alone would be a line without a width.
  const drawn = points.length === 1 ? [points[0], { ...points[0], requests: first + 1 }] : points;
  const upper = drawn.map((look) => `${x(look.requests)},${y(look.upper ?? most)}`);
  const lower = drawn.map((look) => `${x(look.requests)},${y(look.lower ?? least)}`);
  const middle = drawn
    .filter((look) => look.change != null)
    .map((look) => `${x(look.requests)},${y(look.change)}`);
  const told = `${words(verdict.metric)}: worse by ${signed(verdict.change) || "an unknown share"}, ` +
    `between ${signed(verdict.lower) || "any"} and ${signed(verdict.upper) || "any"}; ` +
    `${signed(verdict.margin) || "anything"} is tolerated`;
  return html`<svg class="sequence" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${told}>
    <line class="zero" x1=${LEFT} x2=${WIDTH} y1=${y(0)} y2=${y(0)} />
    <polygon class=${`band ${verdict.outcome}`} points=${[...upper, ...lower.reverse()].join(" ")} />
    <polyline class="change" points=${middle.join(" ")} />
    ${verdict.margin != null &&
    html`<line class="margin" x1=${LEFT} x2=${WIDTH} y1=${y(margin)} y2=${y(margin)} />`}
    <g class="axis">
      ${labels([0, margin], y).map(
        (value) => html`<text x=${LEFT - 4} y=${y(value) + 3} text-anchor="end">${signed(value)}</text>`,
      )}
      <text x=${LEFT} y=${HEIGHT - 3}>${first}</text>
      <text x=${WIDTH} y=${HEIGHT - 3} text-anchor="end">${points.at(-1).requests} requests</text>
    </g>
  </svg>`;
}

// What is far off says only that little is known: the picture shows what is near the margin.
function range(points, margin) {
  const reach = Math.max(0.02, 3 * Math.abs(margin));
  const values = points.flatMap((look) => [look.lower, look.upper, look.change, 0, margin]);
  const near = values.filter((value) => value != null && Math.abs(value) <= 2 * reach);
  return [Math.min(...near, -reach / 3) * 1.05, Math.max(...near, reach / 2) * 1.05];
}

// Two labels on the same line are one.
const labels = (values, y) =>
  values.filter((value, place) => values.findIndex((one) => Math.abs(y(one) - y(value)) < 9) === place);
