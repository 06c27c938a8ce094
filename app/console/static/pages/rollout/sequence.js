// A confidence sequence as a picture: how much worse the canary is, between which bounds, after how
// many of its requests, stage after stage; and what is tolerated.

import { html } from "../../vendor/preact.js";
import { signed, words } from "../../lib/format.js";

const [WIDTH, HEIGHT, LEFT, BELOW, RIGHT] = [320, 132, 52, 16, 6];

export function Sequence({ verdict, looks }) {
  const stages = stagesOf(looks.filter((look) => look.lower != null || look.change != null));
  if (stages.length === 0) return html`<p class="empty">Nothing is known yet.</p>`;
  const points = stages.flatMap((stage) => stage.looks);
  const margin = verdict.margin ?? 0;
  const [least, most] = range(points, margin);
  const first = points[0].at;
  const span = points.at(-1).at - first || 1;
  const x = (at) => LEFT + ((WIDTH - LEFT - RIGHT) * (at - first)) / span;
  const y = (value) =>
    4 + (HEIGHT - BELOW - 4) * (1 - (Math.min(most, Math.max(least, value)) - least) / (most - least));
  const told = `${words(verdict.metric)}: worse by ${signed(verdict.change) || "an unknown share"}, ` +
    `between ${signed(verdict.lower) || "any"} and ${signed(verdict.upper) || "any"}; ` +
    `${signed(verdict.margin) || "anything"} is tolerated`;
  return html`<svg class="sequence" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${told}>
    <line class="zero" x1=${LEFT} x2=${WIDTH} y1=${y(0)} y2=${y(0)} />
    ${stages.map((stage, place) => html`<${Stage} looks=${stage.looks} number=${stage.number}
      isLast=${place === stages.length - 1} verdict=${verdict} x=${x} y=${y} range=${[least, most]} />`)}
    ${verdict.margin != null &&
    html`<line class="margin" x1=${LEFT} x2=${WIDTH} y1=${y(margin)} y2=${y(margin)} />`}
    <g class="axis">
      ${labels([0, margin], y).map(
        (value) => html`<text x=${LEFT - 4} y=${y(value) + 3} text-anchor="end">${signed(value)}</text>`,
      )}
      <text x=${LEFT} y=${HEIGHT - 3}>${first}</text>
      <text x=${WIDTH} y=${HEIGHT - 3} text-anchor="end">${points.at(-1).at} requests</text>
    </g>
  </svg>`;
}

// Evidence begins anew with each stage: a stage is a band of its own, after the one before it.
function Stage({ looks, number, isLast, verdict, x, y, range: [least, most] }) {
  const drawn = looks.length === 1 ? [looks[0], { ...looks[0], at: looks[0].at + 1 }] : looks;
  const upper = drawn.map((look) => `${x(look.at)},${y(look.upper ?? most)}`);
  const lower = drawn.map((look) => `${x(look.at)},${y(look.lower ?? least)}`);
  const middle = drawn
    .filter((look) => look.change != null)
    .map((look) => `${x(look.at)},${y(look.change)}`);
  const begins = x(looks[0].at);
  return html`<polygon class=${`band ${isLast ? verdict.outcome : "former"}`}
      points=${[...upper, ...lower.reverse()].join(" ")} />
    <polyline class="change" points=${middle.join(" ")} />
    ${(number > 0 || !isLast) && html`<line class="begins" x1=${begins} x2=${begins} y1="0" y2=${HEIGHT - BELOW} />
      <g class="axis"><text x=${begins + 2} y="10">${number + 1}</text></g>`}`;
}

// Returns the looks of each stage, with the requests of the stages before it added to `at`.
function stagesOf(looks) {
  const stages = [];
  let before = 0;
  for (const look of looks) {
    const last = stages.at(-1);
    if (last?.number !== look.stage) {
      before = last?.looks.at(-1).at ?? 0;
      stages.push({ number: look.stage, looks: [] });
    }
    stages.at(-1).looks.push({ ...look, at: before + look.requests });
  }
  return stages;
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
