/** An option that is not allowed: which, what it was, and what would be. Thrown by constructors. */
export class SwarmlineError extends Error {
  override readonly name = "SwarmlineError";
  /** Stable, for programs; the message is for people. */
  readonly code = "bad-option";
  /** The option's name as the application writes it, e.g. `maxPeers` or `iceServers[1].urls`. */
  readonly field: string;
  /** The value as given. */
  readonly value: unknown;
  /** What is allowed, in words. */
  readonly allowed: string;

  constructor(field: string, value: unknown, allowed: string) {
    super(`swarmline option ${field}: ${show(value)} is not allowed; allowed: ${allowed}`);
    this.field = field;
    this.value = value;
    this.allowed = allowed;
  }
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(clip(value));
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}

function clip(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
