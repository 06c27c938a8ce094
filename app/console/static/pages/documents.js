// Documents: what is there, putting some in, taking one out.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { address, call, Failure, key } from "../lib/api.js";
import { day } from "../lib/format.js";
import { Code, Confirm, Outcome, Problem } from "../lib/parts.js";

const PAGE = 100;

export function Documents() {
  const [pages, setPages] = useState([]);
  const [failure, setFailure] = useState(null);
  const [looked, setLooked] = useState("");
  const next = pages.at(-1)?.next_cursor;
  async function load(cursor) {
    try {
      const page = await call(`/v1/documents?limit=${PAGE}${cursor ? `&cursor=${cursor}` : ""}`);
      setPages((former) => (cursor ? [...former, page] : [page]));
      setFailure(null);
    } catch (refused) {
      setFailure(refused);
    }
  }
  useEffect(() => {
    const anew = () => load();
    anew();
    addEventListener("ragserve-key", anew);
    return () => removeEventListener("ragserve-key", anew);
  }, []);
  const documents = pages.flatMap((page) => page.documents);
  const wanted = looked.trim().toLowerCase();
  const shown = documents.filter(
    (one) => !wanted || `${one.path}\n${one.title}\n${one.id}`.toLowerCase().includes(wanted),
  );
  return html`<h1>Documents</h1>
    <${Upload} onDone=${() => load()} />
    <${Problem} failure=${failure} />
    <label class="wide">Look for a path, a title or an id
      <input type="search" value=${looked} onInput=${(event) => setLooked(event.target.value)} />
    </label>
    <p role="status" class="note">${shown.length} of ${documents.length} documents that are
      listed${next ? "; there are more" : ""}.</p>
    ${shown.length > 0 &&
    html`<table class="list">
      <thead><tr><th>Path</th><th>Title</th><th>Chunks</th><th>Since</th><th><span class="hidden">Delete</span></th></tr></thead>
      <tbody>${shown.map(
        (one) => html`<${Row} key=${one.id} document=${one} onGone=${() => load()} />`,
      )}</tbody></table>`}
    ${next && html`<button type="button" onClick=${() => load(next)}>Show more</button>`}
    <${Code} path="/v1/documents" method="GET" />`;
}

function Row({ document: one, onGone }) {
  const [isAsked, setAsked] = useState(false);
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
      <td>${one.path}</td><td>${one.title}</td><td class="figure">${one.chunk_count}</td>
      <td>${day(one.created_at)}</td>
      <td><button type="button" class="quiet" aria-label=${`Delete ${one.path}`}
        onClick=${() => setAsked(true)}>Delete</button></td>
    </tr>
    ${(isAsked || failure) &&
    html`<tr><td colspan="5">
      ${isAsked &&
      html`<${Confirm} word="delete" label=${`${one.path} goes out of every index.`}
        onDone=${remove} onCancel=${() => setAsked(false)} />`}
      <${Problem} failure=${failure} />
    </td></tr>`}`;
}

// Files go one after the other, so that each has a course and an outcome of its own.
function Upload({ onDone }) {
  const [files, setFiles] = useState([]);
  const [isOver, setOver] = useState(false);
  const isBusy = useRef(false);
  const note = (place, more) =>
    setFiles((former) => former.map((one, each) => (each === place ? { ...one, ...more } : one)));

  async function take(chosen) {
    if (isBusy.current || chosen.length === 0) return;
    isBusy.current = true;
    setFiles(chosen.map((file) => ({ name: file.name, status: "waiting", sent: 0, told: [] })));
    for (const [place, file] of chosen.entries()) {
      try {
        note(place, { status: "sending" });
        const { outcomes } = await post(file, (sent) =>
          note(place, sent < 1 ? { sent } : { sent, status: "reading" }),
        );
        const [outcome] = outcomes;
        note(place, {
          status: outcome.status,
          told: [outcome.message, ...outcome.warnings].filter(Boolean),
          chunks: outcome.chunk_count,
        });
      } catch (refused) {
        note(place, { status: "failed", told: [refused.message] });
      }
    }
    isBusy.current = false;
    onDone();
  }
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take([...event.dataTransfer.files]);
  };
  return html`<div class=${`drop${isOver ? " over" : ""}`} onDrop=${drop}
      onDragOver=${(event) => {
        event.preventDefault();
        setOver(true);
      }} onDragLeave=${() => setOver(false)}>
    <label>Put files in: drop them here, or choose
      <input type="file" multiple onChange=${(event) => {
        take([...event.target.files]);
        event.target.value = "";
      }} /></label>
    ${files.length > 0 &&
    html`<ul class="uploads" aria-live="polite">${files.map(
      (one) => html`<li><b>${one.name}</b> <${Outcome} of=${one.status} />
        ${one.status === "sending" &&
        html`<progress max="1" value=${one.sent} aria-label=${`${one.name} is sent`}></progress>`}
        ${one.chunks != null && html` <span class="note">${one.chunks} chunks</span>`}
        ${one.told.map((sentence) => html`<div class="note">${sentence}</div>`)}</li>`,
    )}</ul>`}
  </div>`;
}

// fetch() does not say how much of a body has been sent.
function post(file, onSent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address("/v1/documents"));
    if (key()) request.setRequestHeader("authorization", `Bearer ${key()}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => onSent(event.loaded / event.total);
    request.upload.onload = () => onSent(1);
    request.onerror = () => reject(new Failure("The service does not answer."));
    request.onload = () =>
      request.status < 300
        ? resolve(request.response)
        : reject(new Failure(request.response?.detail ?? `status ${request.status}`, request.status));
    const form = new FormData();
    form.append("files", file, file.name);
    request.send(form);
  });
}
