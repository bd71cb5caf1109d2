const URL = "/control/faults";

const FAULTS = [
  { text: "CDN answers 503 to half of all requests, 15\u00a0s", state: { errorShare: 0.5, errorStatus: 503 }, seconds: 15 },
  { text: "CDN answers 503 to everything, 4\u00a0s", state: { errorShare: 1, errorStatus: 503 }, seconds: 4 },
  { text: "CDN flips a byte in every other segment, 15\u00a0s", state: { corruptShare: 0.5 }, seconds: 15 },
  { text: "CDN breaks every other answer off halfway, 15\u00a0s", state: { oddity: "cut", oddityShare: 0.5 }, seconds: 15 },
  { text: "CDN sends other byte ranges than asked for", state: { oddity: "wrongRange" }, seconds: Infinity },
  { text: "CDN redirects to another host", state: { oddity: "redirect" }, seconds: Infinity },
  { text: "CDN compresses segments", state: { oddity: "gzip" }, seconds: Infinity },
  { text: "Tracker down", state: { trackerDown: true }, seconds: Infinity },
];

/** Buttons that make the demo server misbehave; shown only where there is such a server. */
export async function offerFaults(section, buttons, log) {
  const answer = await fetch(URL).catch(() => null);
  if (!answer?.ok) return;
  const active = new Map();
  for (const fault of FAULTS) buttons.append(button(fault, active, log));
  section.hidden = false;
  // What this page broke must not stay broken when it goes.
  addEventListener("pagehide", () => active.size > 0 && navigator.sendBeacon(URL, "{}"));
}

function button(fault, active, log) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button";
  element.textContent = fault.text;
  element.setAttribute("aria-pressed", "false");
  const set = (on) => {
    clearTimeout(active.get(fault));
    if (on) active.set(fault, Number.isFinite(fault.seconds) ? setTimeout(set, 1000 * fault.seconds, false) : 0);
    else active.delete(fault);
    element.setAttribute("aria-pressed", String(on));
    log.add(on ? `Fault: ${fault.text}` : `Fault over: ${fault.text}`, on ? "bad" : "");
    void send(active, log);
  };
  element.addEventListener("click", () => set(!active.has(fault)));
  return element;
}

async function send(active, log) {
  const state = Object.assign({}, ...[...active.keys()].map((fault) => fault.state));
  const answer = await fetch(URL, { method: "POST", body: JSON.stringify(state) }).catch(() => null);
  if (!answer?.ok) log.add("The demo server did not take the fault", "bad");
}
