// Keys: who may ask for what, within which bounds and how much of them is used; and tenants.

import { html, useState } from "../../vendor/preact.js";
import { call, forOperators } from "../../lib/api.js";
import { Code } from "../../lib/code.js";
import { dayBefore } from "../../lib/format.js";
import { Problem } from "../../lib/parts.js";
import { useLoaded } from "../../lib/poll.js";
import { CreateKey } from "./create_key.js";
import { Key } from "./key.js";
import { Tenants } from "./tenants.js";

const PATH = "/admin/keys?limit=1000";

// What keys spent, by id: today and in this month. It may be refused, and is not needed.
async function spending() {
  const today = dayBefore(0);
  const since = async (day) => {
    const { rows } = await call(`/v1/usage?by=key&from=${day}&to=${today}`);
    return new Map(rows.map((row) => [row.key, row]));
  };
  return { day: await since(today), month: await since(`${today.slice(0, 8)}01`) };
}

export function Keys() {
  const { value, failure, again } = useLoaded(() => forOperators(PATH));
  const spent = useLoaded(() => forOperators("/admin/keys?limit=1").then(spending));
  const [areEnded, setEnded] = useState(false);
  const changed = () => {
    again();
    spent.again();
  };
  const keys = value?.keys ?? [];
  const live = keys.filter((key) => !hasEnded(key));
  const shown = areEnded ? keys : live;
  return html`<h1>Keys</h1>
    <${Problem} failure=${failure} />
    ${value && html`<${CreateKey} onMade=${changed} />
      <p class="row"><span class="note" role="status">Keys that hold: ${live.length}${keys.length > live.length
          ? `; that do not any more: ${keys.length - live.length}` : ""}.</span>
        ${keys.length > live.length && html`<button type="button" class="quiet" aria-pressed=${areEnded}
          onClick=${() => setEnded(!areEnded)}>Show those that have ended</button>`}</p>
      ${keys.length === 0 && html`<p class="empty">No key yet. Without one, this service answers whoever
        reaches it, or, where it asks for keys, only operators.</p>`}
      <div class="cards">${shown.map(
        (key) => html`<${Key} key=${key.id} of=${key} hasEnded=${hasEnded(key)} onChanged=${changed}
          today=${spent.value?.day.get(key.id)} month=${spent.value?.month.get(key.id)} />`,
      )}</div>
      <${Code} path=${PATH} method="GET" />
      <${Tenants} />`}`;
}

const hasEnded = (key) =>
  Boolean(key.revoked_at) || Boolean(key.expires_at && new Date(key.expires_at) < new Date());
