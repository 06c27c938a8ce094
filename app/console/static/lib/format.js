// How values are written.

export const percent = (value, digits = 1) =>
  value == null ? "" : `${(100 * value).toFixed(digits)} %`;

export const signed = (value) =>
  value == null ? "" : `${value >= 0 ? "+" : "−"}${(100 * Math.abs(value)).toFixed(1)} %`;

export const ms = (value) =>
  value == null ? "" : value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;

export const number = (value) => (value == null ? "" : String(Number(value.toPrecision(4))));

export const words = (name) => name.replaceAll("_", " ");

export const time = (iso) => new Date(iso).toLocaleTimeString();

export const day = (iso) => new Date(iso).toLocaleString();
