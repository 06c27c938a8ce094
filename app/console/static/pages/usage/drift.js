// Drift: whether queries and answers of a release are other ones than before, figure by figure.

import { html, useState } from "../../vendor/preact.js";
import { call } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { count, day, number, words } from "../../lib/format.js";
import { Outcome, Problem } from "../../lib/parts.js";
import { useLoaded } from "../../lib/poll.js";

const DAY_S = 86_400;
const WINDOWS = {
  "7 1": "the last day with the 7 days before",
  "28 7": "the last 7 days with the 28 days before",
  "1 0.25": "the last 6 hours with the day before",
};
const SAYS = { drift: "drift", none: "as_before", not_enough: "too_little" };
const FIGURES = {
  queries: "what is asked",
  top_score: "score of the best passage",
  answer_words: "words of an answer",
  ungrounded: "share without an answer",
};

export function Drift() {
  const releases = useLoaded(() => call("/admin/releases").then((found) => found.releases));
  const [release, setRelease] = useState("");
  const [windows, setWindows] = useState("7 1");
  const [found, setFound] = useState(null);
  const [failure, setFailure] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const [reference, current] = windows.split(" ").map((days) => Number(days) * DAY_S);
  const body = { reference_s: reference, current_s: current };
  if (release) body.release = release;
  async function compare(event) {
    event.preventDefault();
    setBusy(true);
    try {
      setFound(await call("/admin/drift", { method: "POST", body }));
      setFailure(null);
    } catch (refused) {
      setFailure(refused);
    }
    setBusy(false);
  }
  // Whose key is none of an operator's has no use for this.
  if (releases.failure?.status === 403) return null;
  return html`<h2>Drift</h2>
    <p class="note">A sample of the queries of two stretches of time is compared. Each whole day is,
      by itself, with the week before it, and what comes of it is written to MLflow.</p>
    <form class="row" onSubmit=${compare}>
      <label>Release <select value=${release} onChange=${(event) => setRelease(event.target.value)}>
        <option value="">with most traffic</option>
        ${(releases.value ?? []).map(({ name }) => html`<option value=${name}>${name}</option>`)}
      </select></label>
      <label>Compare <select value=${windows} onChange=${(event) => setWindows(event.target.value)}>
        ${Object.entries(WINDOWS).map(([name, said]) => html`<option value=${name}>${said}</option>`)}
      </select></label>
      <button disabled=${isBusy}>${isBusy ? "Comparing…" : "Compare"}</button>
    </form>
    <${Problem} failure=${failure} />
    <div role="status">${found && html`<${Report} of=${found} />`}</div>
    <${Code} path="/admin/drift" body=${body} />`;
}

function Report({ of }) {
  return html`<p class="reason"><${Outcome} of=${SAYS[of.verdict]} /> ${of.release}:
      ${" "}${count(of.current.samples)} queries from ${day(of.current.begins)} on, compared with
      ${" "}${count(of.reference.samples)} from ${day(of.reference.begins)} on.</p>
    <div class="cards">${of.checks.map(
      (check) => html`<article class="card" key=${check.name}>
        <h3>${FIGURES[check.name] ?? words(check.name)} <${Outcome} of=${SAYS[check.verdict]} /></h3>
        <dl class="facts">
          <div><dt>before</dt><dd>${number(check.reference) || "none"}</dd></div>
          <div><dt>now</dt><dd>${number(check.current) || "none"}</dd></div>
          <div><dt>effect</dt><dd>${number(check.effect) || "unknown"}</dd></div>
          <div><dt>matters from</dt><dd>${number(check.least_effect)}</dd></div>
          <div><dt>by chance</dt><dd>${number(check.p_adjusted) || "unknown"}</dd></div>
        </dl>
        <p class="note">${check.reason}</p>
      </article>`,
    )}</div>`;
}
