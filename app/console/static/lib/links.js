// Where other programs show more; only operators may know.

import { useLoaded } from "./poll.js";
import { call, key } from "./api.js";

let asked = null;
let askedWith = "";

// Asked once for each key.
function load() {
  if (!key()) return Promise.resolve({});
  if (asked === null || askedWith !== key()) {
    askedWith = key();
    asked = call("/admin/links").catch(() => ({}));
  }
  return asked;
}

// Returns the addresses that there are; none for who is no operator.
export function useLinks() {
  return useLoaded(load).value ?? {};
}

export const traceAddress = (links, trace) =>
  links.trace && trace ? links.trace.replaceAll("{trace_id}", trace) : "";
