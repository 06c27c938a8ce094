// Putting files in: by dropping them, with progress and the reason where one fails.

import { html, useRef, useState } from "../../vendor/preact.js";
import { address, Failure, key } from "../../lib/api.js";
import { Outcome } from "../../lib/parts.js";

// Files go one after the other, so that each has a course and an outcome of its own.
export function Upload({ onDone }) {
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
