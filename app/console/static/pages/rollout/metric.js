// What is known of one metric of a rollout, in figures and as a picture.

import { html } from "../../vendor/preact.js";
import { number, signed, words } from "../../lib/format.js";
import { Outcome } from "../../lib/parts.js";
import { Sequence } from "./sequence.js";

// Whether there is anything to draw, or a sentence says it all.
export const isMeasured = (verdict) => verdict.change != null || verdict.lower != null;

export function Metric({ verdict, looks }) {
  const isKnown = isMeasured(verdict) || looks.some(isMeasured);
  return html`<article class=${`metric${verdict.rolls_back ? "" : " shown"}`}>
    <h3>${words(verdict.metric)} <${Outcome} of=${verdict.outcome} /></h3>
    ${isKnown && html`<${Sequence} verdict=${verdict} looks=${looks} />
      <${Facts} of=${verdict} />`}
    <p class="note">${verdict.reason}. ${moreNeeded(verdict)}</p>
  </article>`;
}

function Facts({ of }) {
  return html`<dl class="facts">
    <div><dt>canary</dt><dd>${number(of.canary) || "none"}</dd></div>
    <div><dt>stable</dt><dd>${number(of.baseline) || "none"}</dd></div>
    <div><dt>worse by</dt><dd>${signed(of.change) || "unknown"}
      ${of.lower != null && html` <span class="note">${between(of)}</span>`}</dd></div>
    <div><dt>tolerated</dt><dd>${signed(of.margin) || "anything"}</dd></div>
    <div><dt>requests</dt><dd>${of.canary_requests} and ${of.baseline_requests}</dd></div>
  </dl>`;
}

const between = ({ lower, upper }) =>
  `${signed(lower)} to ${upper == null ? "any" : signed(upper)}`;

// The interval narrows with the root of the number of requests.
function moreNeeded({ outcome, change, upper, margin, canary_requests: one, baseline_requests: other }) {
  const requests = Math.min(one, other);
  if (!["insufficient", "inconclusive"].includes(outcome)) return "";
  if (change == null || upper == null || margin == null || requests < 10) return "";
  if (change >= margin) return "As it looks, more requests will not make it pass.";
  const needed = requests * ((upper - change) / (margin - change)) ** 2;
  const more = Math.max(1, Math.ceil(needed - requests));
  return `As it looks, about ${more} more requests of each arm will do.`;
}
