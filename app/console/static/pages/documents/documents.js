// Documents: what is there and how it is cut, putting some in, taking one out.

import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { call, key } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { count } from "../../lib/format.js";
import { Problem } from "../../lib/parts.js";
import { Collections } from "./collections.js";
import { Row } from "./row.js";
import { Upload } from "./upload.js";

const PAGE = 100;
const PATIENCE_MS = 250;

const pathOf = (named, cursor) => {
  const asked = new URLSearchParams({ limit: PAGE });
  if (named) asked.set("named", named);
  if (cursor) asked.set("cursor", cursor);
  return `/v1/documents?${asked}`;
};

export function Documents() {
  const [pages, setPages] = useState([]);
  const [failure, setFailure] = useState(null);
  const [named, setNamed] = useState("");
  const [isLooking, setLooking] = useState(true);
  const latest = useRef(0);
  const next = pages.at(-1)?.next_cursor;

  // Looks on where a page of a search has found nothing yet; what is asked later wins.
  async function load(cursor) {
    const mine = ++latest.current;
    setLooking(true);
    try {
      let page = await call(pathOf(named.trim(), cursor));
      while (page.next_cursor && page.documents.length === 0 && mine === latest.current) {
        page = await call(pathOf(named.trim(), page.next_cursor));
      }
      if (mine !== latest.current) return;
      setPages((former) => (cursor ? [...former, page] : [page]));
      setFailure(null);
    } catch (refused) {
      if (mine === latest.current) setFailure(refused);
    }
    setLooking(false);
  }
  useEffect(() => {
    const anew = () => load();
    const timer = setTimeout(anew, named ? PATIENCE_MS : 0);
    addEventListener("ragserve-key", anew);
    return () => {
      clearTimeout(timer);
      removeEventListener("ragserve-key", anew);
    };
  }, [named]);
  const documents = pages.flatMap((page) => page.documents);
  return html`<h1>Documents</h1>
    <${Upload} onDone=${() => load()} />
    <${Problem} failure=${failure} />
    <label class="wide">Search for a path, a title or an id
      <input type="search" value=${named} onInput=${(event) => setNamed(event.target.value)} /></label>
    <p role="status" class="note">${isLooking
      ? "Looking…"
      : `${count(documents.length)} ${named.trim() ? "found" : "listed"}${next ? "; there are more" : ""}.`}</p>
    ${documents.length > 0 &&
    html`<div class="scroll" tabindex="0" role="region" aria-label="Documents"><table class="list">
      <thead><tr><th>Path</th><th>Title</th><th class="figure">Chunks</th><th>Since</th>
        <th class="narrow"><span class="hidden">Delete</span></th></tr></thead>
      <tbody>${documents.map(
        (one) => html`<${Row} key=${one.id} document=${one} onGone=${() => load()} />`,
      )}</tbody></table></div>`}
    ${documents.length === 0 && !isLooking && !failure &&
    html`<p class="empty">${named.trim()
      ? "Nothing has that in its path, its title or its id."
      : "Nothing is indexed yet. Drop some files above, or: ragserve ingest FOLDER"}</p>`}
    ${next && html`<button type="button" disabled=${isLooking} onClick=${() => load(next)}>Show more</button>`}
    <${Code} path=${pathOf(named.trim())} method="GET" />
    ${key() && html`<${Collections} />`}`;
}
