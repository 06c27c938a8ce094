// A plot over time: bars that stand on each other, or lines; and the same as a table.

import { html } from "../vendor/preact.js";

const [WIDTH, HEIGHT] = [600, 120];

// `series` are `{ name, values, is }`, `is` being "bar" or "line"; a value that is not known is null.
export function Plot({ title, labels, series, format, children }) {
  const sums = labels.map((_, place) =>
    series.filter((one) => one.is === "bar").reduce((sum, one) => sum + (one.values[place] ?? 0), 0));
  const lines = series.filter((one) => one.is === "line").flatMap((one) => one.values);
  const most = Math.max(...sums, ...lines.filter((value) => value != null), 0);
  return html`<figure class="plot">
    <figcaption><b>${title}</b> <span class="note">up to ${format(most)}</span>
      ${series.length > 1 && html`<${Legend} series=${series} />`}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
      <line class="ground" x1="0" x2=${WIDTH} y1=${HEIGHT} y2=${HEIGHT} />
      ${most > 0 && series.some((one) => one.is === "bar") && bars({ labels, series, most, format })}
      ${most > 0 && series.map((one, place) => one.is === "line" && line(one.values, most, place))}
    </svg>
    <div class="ends"><span>${labels[0]}</span><span>${labels.at(-1)}</span></div>
    ${children}
    <details><summary>As a table</summary>
      <${Figures} title=${title} labels=${labels} series=${series} format=${format} /></details>
  </figure>`;
}

function Legend({ series }) {
  return html`<span class="legend">${series.map(
    ({ name }, place) => html`<span class=${`s${place}`}>${name}</span> `,
  )}</span>`;
}

function bars({ labels, series, most, format }) {
  const step = WIDTH / labels.length;
  return labels.map((label, place) => {
    let below = 0;
    return series.map(({ name, values, is }, number) => {
      const value = values[place] ?? 0;
      if (is !== "bar" || value === 0) return null;
      const height = (HEIGHT * value) / most;
      below += height;
      return html`<rect class=${`s${number}`} x=${place * step + step * 0.1} width=${step * 0.8}
        y=${HEIGHT - below} height=${height}><title>${label}: ${name} ${format(value)}</title></rect>`;
    });
  });
}

// A line is broken where nothing is known.
function line(values, most, number) {
  const step = WIDTH / values.length;
  const parts = [[]];
  values.forEach((value, place) => {
    if (value == null) parts.push([]);
    else parts.at(-1).push([(place + 0.5) * step, HEIGHT - (HEIGHT * value) / most]);
  });
  return parts.filter((part) => part.length > 0).map((part) => {
    const [x, y] = part[0];
    // One point alone would be a line without a length.
    const drawn = part.length > 1 ? part : [[x - step / 3, y], [x + step / 3, y]];
    return html`<polyline class=${`s${number}`} points=${drawn.map((point) => point.join(",")).join(" ")} />`;
  });
}

function Figures({ title, labels, series, format }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${`${title}, as a table`}>
    <table class="list">
      <thead><tr><th>When</th>${series.map(({ name }) => html`<th class="figure">${name}</th>`)}</tr></thead>
      <tbody>${labels.map(
        (label, place) => html`<tr><th scope="row">${label}</th>${series.map(
          ({ values }) => html`<td class="figure">${values[place] == null ? "" : format(values[place])}</td>`,
        )}</tr>`,
      )}</tbody>
    </table></div>`;
}
