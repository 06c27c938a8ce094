// What is known of one metric of a rollout, in figures and as a picture.

import { html } from "../../vendor/preact.js";
import { number, signed, words } from "../../lib/format.js";
import { Outcome } from "../../lib/parts.js";
import { Sequence } from "./sequence.js";

export function Metric({ verdict, looks }) {
  const least = Math.min(verdict.canary_requests, verdict.baseline_requests);
  return html`<article class=${`metric${verdict.rolls_back ? "" : " shown"}`}>
    <h3>${words(verdict.metric)} <${Outcome} of=${verdict.outcome} /></h3>
    <${Sequence} verdict=${verdict} looks=${looks} />
    <dl class="facts">
      <div><dt>canary</dt><dd>${number(verdict.canary) || "none"}</dd></div>
      <div><dt>stable</dt><dd>${number(verdict.baseline) || "none"}</dd></div>
      <div><dt>worse by</dt><dd>${signed(verdict.change) || "unknown"}
        ${verdict.lower != null && html` <span class="note">${between(verdict)}</span>`}</dd></div>
      <div><dt>tolerated</dt><dd>${signed(verdict.margin) || "anything"}</dd></div>
      <div><dt>requests</dt><dd>${verdict.canary_requests} and ${verdict.baseline_requests}</dd></div>
    </dl>
    <p class="note">${verdict.reason}. ${moreNeeded(verdict, least)}</p>
  </article>`;
}

const between = ({ lower, upper }) =>
  `${signed(lower)} to ${upper == null ? "any" : signed(upper)}`;

// The interval narrows with the root of the number of requests.
function moreNeeded({ outcome, change, upper, margin }, requests) {
  if (!["insufficient", "inconclusive"].includes(outcome)) return "";
  if (change == null || upper == null || margin == null || requests < 10) return "";
  if (change >= margin) return "As it looks, more requests will not make it pass.";
  const needed = requests * ((upper - change) / (margin - change)) ** 2;
  const more = Math.max(1, Math.ceil(needed - requests));
  return `As it looks, about ${more} more requests of each arm will do.`;
}
