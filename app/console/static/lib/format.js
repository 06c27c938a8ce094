// How values are written.

export const percent = (value, digits = 1) =>
  value == null ? "" : `${(100 * value).toFixed(digits)} %`;

export const signed = (value) =>
  value == null ? "" : `${value >= 0 ? "+" : "−"}${(100 * Math.abs(value)).toFixed(1)} %`;

export const ms = (value) =>
  value == null ? ""
    : value >= 1000 ? `${(value / 1000).toFixed(2)} s`
    : value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;

export const number = (value) => (value == null ? "" : String(Number(value.toPrecision(4))));

export const count = (value) => (value == null ? "" : Math.round(value).toLocaleString("en"));

export const dollars = (value) =>
  value == null ? "" : value === 0 || value >= 0.01 ? `$${value.toFixed(2)}` : `$${number(value)}`;

export const words = (name) => name.replaceAll("_", " ");

export const time = (iso) => new Date(iso).toLocaleTimeString();

export const minute = (iso) =>
  new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export const day = (iso) => new Date(iso).toLocaleString();

// In UTC, as the service counts days.
export const dayBefore = (days) =>
  new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
