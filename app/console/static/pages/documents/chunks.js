// What a document was split into, and where: the passages that are searched and cited.

import { html, useEffect, useState } from "../../vendor/preact.js";
import { call } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { Problem } from "../../lib/parts.js";

const PAGE = 20;
const LONGEST_OVERLAP = 600;

export function Chunks({ of: { id, path } }) {
  const [pages, setPages] = useState([]);
  const [failure, setFailure] = useState(null);
  const base = `/v1/documents/${encodeURIComponent(id)}/chunks?limit=${PAGE}`;
  const load = (first) =>
    call(`${base}&first=${first}`).then(
      (page) => setPages((former) => (first ? [...former, page] : [page])),
      setFailure,
    );
  useEffect(() => {
    load(0);
  }, [id]);
  const next = pages.at(-1)?.next;
  const chunks = pages.flatMap((page) => page.chunks);
  return html`<div class="chunks">
    <${Problem} failure=${failure} />
    <ol aria-label=${`Chunks of ${path}`}>${chunks.map(
      (chunk, place) => html`<${Chunk} key=${chunk.id} chunk=${chunk} former=${chunks[place - 1]} />`,
    )}</ol>
    ${next != null && html`<button type="button" class="quiet" onClick=${() => load(next)}>
      More chunks, from ${next + 1} on</button>`}
    <${Code} path=${`${base}&first=0`} method="GET" />
  </div>`;
}

function Chunk({ chunk, former }) {
  const shared = former ? overlap(former.text, chunk.text) : 0;
  return html`<li value=${chunk.ordinal + 1}>
    <div class="where"><b>${chunk.heading || "without a heading"}</b>
      ${chunk.page && html` <span>page ${chunk.page}</span>`}
      <span class="note"> ${[...chunk.text].length} characters${shared
        ? `, of which ${shared} are the end of the one before` : ""}</span></div>
    <p class="passage" tabindex="0">${shared > 0 &&
      html`<span class="shared">${chunk.text.slice(0, shared)}</span>`}${chunk.text.slice(shared)}</p>
  </li>`;
}

// Returns how much of a text's beginning is the end of the one before it.
function overlap(before, text) {
  for (let length = Math.min(before.length, text.length, LONGEST_OVERLAP); length > 0; length--) {
    if (before.endsWith(text.slice(0, length))) return length;
  }
  return 0;
}
