// One answer: text with its citations, passages, where the time went, and what one thinks of it.

import { html, useState } from "../../vendor/preact.js";
import { call } from "../../lib/api.js";
import { ms, number } from "../../lib/format.js";
import { traceAddress, useLinks } from "../../lib/links.js";
import { Away, Problem } from "../../lib/parts.js";
import { stretchOf } from "../../lib/stretches.js";
import { Waterfall } from "./waterfall.js";

export function Answered({ answer }) {
  const [chosen, setChosen] = useState(null);
  const { done } = answer;
  return html`<div class="answer">
    <${Facts} answer=${answer} />
    <p class=${`text${answer.isWriting ? " writing" : ""}`}>
      ${pieces(answer).map(({ text, citation }) =>
        citation
          ? html`<${Cited} text=${text} source=${citation.source} isChosen=${citation === chosen}
              onChoose=${() => choose(citation, chosen, setChosen)} />`
          : text,
      )}
    </p>
    <${Problem} failure=${answer.failure} />
    ${done && !done.grounded && html`<${Withheld} answer=${answer} />`}
    ${done && html`<${Thumbs} id=${done.request_id} />`}
    ${done && html`<${Waterfall} timings=${done.timings} />`}
    ${answer.sources.length > 0 &&
    html`<details open=${Boolean(chosen) || answer.sources.length < 3}>
      <summary>${answer.sources.length} passages</summary>
      <ol class="sources">${answer.sources.map(
        (source) => html`<${Passage} key=${source.chunk_id} source=${source}
          quote=${chosen?.source === source.index ? quoteOf(answer, chosen) : ""} />`,
      )}</ol>
    </details>`}
  </div>`;
}

// Its mark is a button, so that it is reached by the keyboard and the text can still be selected.
function Cited({ text, source, isChosen, onChoose }) {
  const at = text.search(/\[\d+\]\s*$/);
  const [said, mark] = at < 0 ? [text, `[${source}]`] : [text.slice(0, at), text.slice(at)];
  return html`<span class=${`cited${isChosen ? " chosen" : ""}`}>${said}<button type="button"
    class="link" aria-pressed=${isChosen} aria-label=${`Show source ${source}`}
    onClick=${onChoose}>${mark}</button></span>`;
}

function choose(citation, chosen, setChosen) {
  setChosen(citation === chosen ? null : citation);
  // After it is drawn.
  setTimeout(() => document.querySelector(".sources mark")?.scrollIntoView({ block: "center" }));
}

const quoteOf = (answer, citation) => [...answer.text].slice(citation.start, citation.end).join("");

// The text in stretches, those with a source apart. Places count characters, not UTF-16 units.
function pieces({ text, citations }) {
  const letters = [...text];
  const found = [];
  let at = 0;
  const ordered = [...citations].sort((a, b) => a.start - b.start);
  for (const citation of ordered) {
    if (citation.start < at || citation.end > letters.length) continue;
    if (citation.start > at) found.push({ text: letters.slice(at, citation.start).join("") });
    found.push({ text: letters.slice(citation.start, citation.end).join(""), citation });
    at = citation.end;
  }
  if (at < letters.length) found.push({ text: letters.slice(at).join("") });
  return found;
}

function Facts({ answer }) {
  const links = useLinks();
  const { done } = answer;
  const facts = [
    ["release", answer.release],
    ["model", answer.model],
    ["time", ms(done?.timings.total_ms)],
    ["tokens", done && done.usage.total_tokens],
    ["cost", done?.usage.cost_usd ? `$${number(done.usage.cost_usd)}` : ""],
    ["cache", answer.cache],
    ["ended by", done && done.finish_reason !== "stop" ? done.finish_reason : ""],
    ["without", done?.degraded.join(", ")],
    ["trace", answer.trace && html`<${Away} to=${traceAddress(links, answer.trace)}>${answer.trace}<//>`],
  ].filter(([, value]) => value);
  return html`<dl class="facts">${facts.map(
    ([name, value]) => html`<div class=${name === "without" ? "warn" : ""}>
      <dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`;
}

// Why nothing was answered, as far as figures say it.
function Withheld({ answer }) {
  const best = answer.sources[0];
  const { answerability } = answer.done;
  return html`<div class="withheld"><h3>Why there is no answer</h3>
    ${!best
      ? html`<p>No passage was found that supports one. Add documents, search in another way, or
          take the filter away.</p>`
      : html`<p>The best passage is <b>${best.path}</b> with
          ${["rerank", "dense", "lexical"]
            .filter((name) => best.signals[name] != null)
            .map((name) => html` <span class="pill">${name} ${number(best.signals[name])}</span>`)}.
          ${answerability == null
            ? " Its score is below the bound of the collection, so it did not go to the generator."
            : ` That it answers the question was found ${(100 * answerability).toFixed(0)} % likely.`}
        </p>
        <p>A question with more of the documents' own words, or a calibration of the collection
          (<code>ragserve calibrate</code>) after many documents have changed, moves that.</p>`}
  </div>`;
}

function Passage({ source, quote }) {
  const [before, marked, after] = stretchOf(source.text, quote);
  return html`<li value=${source.index}>
    <div class="where"><b>${source.title || source.path}</b>${" "}
      ${source.heading && html`<span>${source.heading} </span>`}
      ${source.page && html`<span>page ${source.page} </span>`}
      <span class="note">${source.path}, score ${number(source.score)}</span></div>
    <p class="passage" tabindex="0">${before}${marked && html`<mark>${marked}</mark>`}${after}</p>
  </li>`;
}

function Thumbs({ id }) {
  const [given, setGiven] = useState("");
  const [comment, setComment] = useState("");
  const [failure, setFailure] = useState(null);
  async function rate(thumb, more = {}) {
    try {
      await call("/v1/feedback", { method: "POST", body: { request_id: id, thumb, ...more } });
      setGiven(thumb);
      setFailure(null);
    } catch (refused) {
      setFailure(refused);
    }
  }
  const submit = (event) => {
    event.preventDefault();
    rate(given, comment.trim() ? { comment: comment.trim() } : {});
  };
  return html`<form class="row thumbs" onSubmit=${submit}>
    ${[["up", "Good answer"], ["down", "Bad answer"]].map(
      ([thumb, label]) => html`<button type="button" class="quiet" aria-pressed=${given === thumb}
        onClick=${() => rate(thumb)}>${label}</button>`,
    )}
    ${given &&
    html`<label class="grow"><span class="hidden">Why</span>
        <input value=${comment} placeholder="Why, if you like" maxlength="4000"
          onInput=${(event) => setComment(event.target.value)} /></label>
      <button class="quiet">Say it</button> <span role="status" class="note">Kept.</span>`}
    <${Problem} failure=${failure} />
  </form>`;
}
