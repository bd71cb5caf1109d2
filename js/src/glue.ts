/**
 * The one WebAssembly instance of the page. All players share it, so what breaks it breaks it for all:
 * after a panic no call may reach it again, and only a reload of the page brings it back.
 */
import { limit } from "./limit.js";

/** What the engine asks of its host. Called with no engine call under way, so it may call back. */
export interface Host {
  deliver(load: number, data: ArrayBuffer, rateBps: number, firstByteMs: number): void;
  fail(load: number, code: string, status: number, message: string): void;
  progress(load: number, loaded: number, total: number, activeMs: number): void;
  notice(json: string): void;
  prepare(url: string, init: RequestInit): Request | Promise<Request>;
  retain(resource: Closable): void;
  release(resource: Closable): void;
}

/** Something that stays open until it is told not to. */
export type Closable = { close(): void } | AbortController;

/** One engine. */
export interface Client {
  playlist(json: string): void;
  playhead(position: number | undefined, rate: number): void;
  load(load: number, segment: string): void;
  abort(load: number): void;
  insert(segment: string, data: ArrayBuffer, firstByteMs: number, transferMs: number): void;
  switch(on: boolean): void;
  stats(): string;
  dispose(): void;
  free(): void;
}

/** The generated module, as far as it is used here. */
export interface Glue {
  default(init: { module_or_path: Response }): Promise<unknown>;
  onPanic(handler: (message: string) => void): void;
  readonly Client: new (options: string, rtc: object | undefined, host: Host) => Client;
}

/** How to get the module; tests bring their own. */
export type GlueLoader = (wasmUrl: string | null) => Promise<Glue>;

const DOWNLOAD_LIMIT_MS = 30_000;

let pending: Promise<Glue> | null = null;
let attempts = 0;
let panic: string | null = null;
const victims = new Set<(message: string) => void>();

/** Loads the module, once. A failure is not remembered: the next call tries again. */
export const loadGlue: GlueLoader = (wasmUrl) => {
  pending ??= instantiate(wasmUrl).catch((error: unknown) => {
    pending = null;
    throw error;
  });
  return pending;
};

/** The message of the panic that broke the instance, or null. */
export function panicked(): string | null {
  return panic;
}

/** Declares the instance broken. Every engine of the page fails over, now. */
export function poison(message: string): void {
  if (panic !== null) return;
  panic = message;
  for (const victim of [...victims]) victim(message);
  victims.clear();
}

/** Calls `victim` once if the instance breaks; the answer takes that back. */
export function onPoison(victim: (message: string) => void): () => void {
  victims.add(victim);
  return () => victims.delete(victim);
}

async function instantiate(wasmUrl: string | null): Promise<Glue> {
  const url = wasmUrl ?? new URL("./wasm/swarmline_bg.wasm", import.meta.url).href;
  const { signal, done } = limit(DOWNLOAD_LIMIT_MS);
  try {
    // Both at once: neither tells where the other is.
    const [glue, response] = await Promise.all([importGlue(), download(url, signal)]);
    await glue.default({ module_or_path: response });
    glue.onPanic(poison);
    return glue;
  } finally {
    done();
  }
}

async function importGlue(): Promise<Glue> {
  attempts += 1;
  try {
    return await import("./wasm/swarmline.js");
  } catch (error) {
    // Some browsers remember a module that failed to load; another URL is another module to them.
    if (attempts === 1) throw error;
    const url = new URL("./wasm/swarmline.js", import.meta.url);
    url.searchParams.set("attempt", String(attempts));
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ url.href)) as Glue;
  }
}

async function download(url: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { credentials: "same-origin", priority: "low", signal });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}
