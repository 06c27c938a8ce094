// Where the time of an answer went, stage after stage.

import { html } from "../../vendor/preact.js";
import { ms } from "../../lib/format.js";

const ORDER = ["condense", "queries", "filter", "passage", "embedder", "retriever", "reranker",
  "neighbours", "generator"];
const PARTS = [
  ["queue", "waiting", (stage) => stage.queue_ms],
  ["model", "model", (stage) => stage.inference_ms],
  ["rest", "rest of the stage",
    (stage) => Math.max(0, stage.replica_ms - stage.queue_ms - stage.inference_ms)],
  ["way", "way there and back", (stage) => Math.max(0, stage.total_ms - stage.replica_ms)],
];

export function Waterfall({ timings }) {
  const stages = Object.entries(timings.stages).sort(
    ([a], [b]) => place(a) - place(b),
  );
  let at = 0;
  const rows = stages.map(([name, stage]) => {
    const start = at;
    at += stage.total_ms;
    return { name, stage, start };
  });
  const scale = Math.max(timings.total_ms, at) || 1;
  return html`<details class="waterfall">
    <summary>${ms(timings.total_ms)}, of which the stages ${ms(at)}</summary>
    <table>
      <caption class="hidden">Time by stage</caption>
      <thead class="hidden"><tr><th>Stage</th><th>Course</th><th>Time</th></tr></thead>
      <tbody>${rows.map(
        ({ name, stage, start }) => html`<tr>
          <th scope="row">${name}</th>
          <td><svg viewBox="0 0 1000 16" preserveAspectRatio="none" role="img"
            aria-label=${`${name}: ${ms(stage.total_ms)}`}>
            ${bars(stage, start, scale)}</svg></td>
          <td class="figure">${ms(stage.total_ms)}</td>
        </tr>`,
      )}</tbody>
    </table>
    <p class="legend">${PARTS.map(
      ([key, label]) => html`<span class=${key}>${label}</span> `,
    )}</p>
  </details>`;
}

const place = (name) => (ORDER.indexOf(name) + ORDER.length + 1) % (ORDER.length + 1);

function bars(stage, start, scale) {
  let at = start;
  return PARTS.map(([key, label, of]) => {
    // Times of a batch may be more than those of one of its requests.
    const width = Math.max(0, Math.min(of(stage), start + stage.total_ms - at));
    const x = (1000 * at) / scale;
    at += width;
    return html`<rect class=${key} x=${x} y="2" height="12" width=${(1000 * width) / scale}>
      <title>${label}: ${ms(width)}</title></rect>`;
  });
}
