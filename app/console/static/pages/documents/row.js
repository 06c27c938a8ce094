// One document of the list: its chunks, and taking it out.

import { html, useState } from "../../vendor/preact.js";
import { call } from "../../lib/api.js";
import { day } from "../../lib/format.js";
import { Confirm, Problem } from "../../lib/parts.js";
import { Chunks } from "./chunks.js";

export function Row({ document: one, onGone }) {
  const [isAsked, setAsked] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const [failure, setFailure] = useState(null);
  async function remove() {
    try {
      await call(`/v1/documents/${encodeURIComponent(one.id)}`, { method: "DELETE" });
      onGone();
    } catch (refused) {
      setFailure(refused);
      setAsked(false);
    }
  }
  return html`<tr>
      <td>${one.path}</td><td>${one.title}</td><td class="figure">
        <button type="button" class="link" aria-expanded=${isOpen} aria-label=${`Chunks of ${one.path}`}
          onClick=${() => setOpen(!isOpen)}>${one.chunk_count}</button></td>
      <td class="when">${day(one.created_at)}</td>
      <td><button type="button" class="quiet" aria-label=${`Delete ${one.path}`}
        onClick=${() => setAsked(true)}>Delete</button></td>
    </tr>
    ${isOpen && html`<tr class="opened"><td colspan="5"><${Chunks} of=${one} /></td></tr>`}
    ${(isAsked || failure) &&
    html`<tr><td colspan="5">
      ${isAsked &&
      html`<${Confirm} word="delete" label=${`${one.path} goes out of every index.`}
        onDone=${remove} onCancel=${() => setAsked(false)} />`}
      <${Problem} failure=${failure} />
    </td></tr>`}`;
}
