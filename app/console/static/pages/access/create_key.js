// Making a key. Its secret is shown once, and forgotten with this part of the page.

import { html, useState } from "../../vendor/preact.js";
import { call } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { Copy, Problem } from "../../lib/parts.js";
import { BoundFields, boundsOf } from "./bounds.js";

const SCOPES = {
  query: "ask and search",
  ingest: "change documents",
  usage: "see usage",
  admin: "make keys",
  operator: "everything of all tenants",
};
const START = { name: "", scopes: ["query"] };

function bodyOf(form) {
  const data = new FormData(form);
  const body = { name: data.get("name").trim(), scopes: data.getAll("scope"), ...boundsOf(data) };
  if (data.get("tenant").trim()) body.tenant = data.get("tenant").trim();
  if (data.get("until")) body.expires_at = `${data.get("until")}T00:00:00Z`;
  return body;
}

export function CreateKey({ onMade }) {
  const [isOpen, setOpen] = useState(false);
  const [body, setBody] = useState(START);
  const [made, setMade] = useState(null);
  const [failure, setFailure] = useState(null);
  async function submit(event) {
    event.preventDefault();
    try {
      setMade(await call("/admin/keys", { method: "POST", body: bodyOf(event.currentTarget) }));
      setFailure(null);
      setOpen(false);
      onMade();
    } catch (refused) {
      setFailure(refused);
    }
  }
  if (made) return html`<${Secret} of=${made} onDone=${() => setMade(null)} />`;
  return html`<details class="start" open=${isOpen} onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>Make a key</summary>
    <form onSubmit=${submit} onInput=${(event) => setBody(bodyOf(event.currentTarget))}>
      <label class="wide">Name <input name="name" maxlength="256" placeholder="search page" /></label>
      <fieldset><legend>What it opens</legend>${Object.entries(SCOPES).map(
        ([scope, said]) => html`<label class="check">
          <input type="checkbox" name="scope" value=${scope} defaultChecked=${scope === "query"} />
          <b>${scope}</b>: ${said}</label>`,
      )}</fieldset>
      <div class="fields">
        <label>Tenant <input name="tenant" placeholder="your own" /></label>
        <label>Until <input type="date" name="until" /></label>
      </div>
      <${BoundFields} />
      <button disabled=${body.scopes.length === 0}>Make it</button>
      <${Problem} failure=${failure} />
      <${Code} path="/admin/keys" body=${body} />
    </form>
  </details>`;
}

function Secret({ of, onDone }) {
  return html`<section class="secret" aria-label="The new key">
    <h2>The key ${of.name || of.id}</h2>
    <p role="status">It is shown this once: it is not kept here, and cannot be told again.</p>
    <p class="row"><code tabindex="0">${of.secret}</code>
      <${Copy} text=${of.secret} label="Copy the key" />
      <button type="button" onClick=${onDone}>I have it</button></p>
  </section>`;
}
