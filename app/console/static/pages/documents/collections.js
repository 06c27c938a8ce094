// Collections: how much is in each, and the score from which a chunk supports an answer.

import { html, useState } from "../../vendor/preact.js";
import { call, forOperators } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { count, day, number, percent } from "../../lib/format.js";
import { Outcome, Problem } from "../../lib/parts.js";
import { useLoaded } from "../../lib/poll.js";

const PATH = "/admin/calibrations";

export function Collections() {
  const { value, failure, again } = useLoaded(() => forOperators(PATH));
  // Whose key is none of an operator's has no use for this.
  if (failure?.status === 403) return null;
  return html`<h2>Collections</h2>
    <p class="note">A chunk supports an answer from a score on that depends on the collection and on
      the reranker. A calibration finds it with some 250 questions, half of which the collection
      cannot answer; it takes a minute or two, while the service goes on.</p>
    <${Problem} failure=${failure} />
    ${value && html`<div class="cards">${value.collections.map(
      (one) => html`<${Collection} key=${one.retrieval} of=${one} onDone=${again} />`,
    )}</div>`}`;
}

function Collection({ of, onDone }) {
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState("");
  const [failure, setFailure] = useState(null);
  const body = { retrieval: of.retrieval };
  const known = of.calibration;
  async function calibrate() {
    setBusy(true);
    setFailure(null);
    try {
      const found = await call(PATH, { method: "POST", body });
      setSaid(found.status === "fitted" ? "It was calibrated." : found.reason);
      onDone();
    } catch (refused) {
      setFailure(refused);
    }
    setBusy(false);
  }
  return html`<article class="card" aria-label=${`Collection of ${of.retrieval}`}>
    <h3>${of.retrieval} <${Outcome} of=${!known ? "not_calibrated" : of.is_stale ? "outgrown" : "ok"} /></h3>
    <dl class="facts">
      <div><dt>documents</dt><dd>${count(of.document_count)}</dd></div>
      <div><dt>chunks</dt><dd>${count(of.chunk_count)}</dd></div>
      ${known && html`<div><dt>score</dt><dd>${number(known.min_relevance_score)}</dd></div>
      <div><dt>own questions kept</dt><dd>${percent(known.kept_ratio, 0)}</dd></div>
      <div><dt>others refused</dt><dd>${percent(known.refused_ratio, 0)}</dd></div>
      <div><dt>fitted</dt><dd>${day(known.fitted_at)}, ${count(known.document_count)} documents</dd></div>`}
    </dl>
    <p class="row"><button type="button" class="quiet" disabled=${isBusy} onClick=${calibrate}>
      ${isBusy ? "Asking it some 250 questions…" : "Calibrate"}</button>
      <span role="status" class="note">${said}</span></p>
    <${Problem} failure=${failure} />
    <${Code} path=${PATH} body=${body} />
  </article>`;
}
