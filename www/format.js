/** Numbers as people read them; a number and its unit stay on one line. */
const GAP = "\u00a0";

/** 1234567 → "1.2 MB"; decimal units, as networks count. */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1;
  return value.toFixed(digits) + GAP + units[unit];
}

/** 0.874 → "87 %". A part is never shown as all, nor as nothing. */
export function percent(share) {
  let hundredths = Math.round(100 * share);
  if (share > 0 && share < 1) hundredths = Math.min(99, Math.max(1, hundredths));
  return `${hundredths}${GAP}%`.replace("-", "−");
}

/** 4.26 → "4.3 s". */
export function seconds(value) {
  return Number.isFinite(value) ? `${value.toFixed(1)}${GAP}s` : "–";
}
