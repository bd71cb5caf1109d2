// Functions that run in a page before any of its scripts. They must be self-contained.

/** A browser without WebRTC. */
export function noWebRtc() {
  delete window.RTCPeerConnection;
  delete window.webkitRTCPeerConnection;
}

/** A peer whose data channels flip one byte near the end of every message that carries media. */
export function flipBytes() {
  const send = RTCDataChannel.prototype.send;
  window.flipped = 0;
  RTCDataChannel.prototype.send = function (data) {
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : null;
    if (!bytes || bytes.byteLength < 4096) return send.call(this, data);
    const copy = bytes.slice();
    copy[copy.length - 100] ^= 0x55;
    window.flipped += 1;
    return send.call(this, copy);
  };
}

/**
 * Keeps account of what a page can leave behind, but for requests, which the tab sees from outside.
 * `window.leftovers()` counts what is still alive.
 */
export function keepAccounts() {
  const untouched = {
    setInterval: window.setInterval.bind(window),
    clearInterval: window.clearInterval.bind(window),
  };
  window.untouched = untouched;
  const timers = new Set();
  const wrapTimer = (set, clear, repeats) => {
    const [realSet, realClear] = [window[set].bind(window), window[clear].bind(window)];
    window[set] = (fn, ...rest) => {
      const id = realSet((...args) => {
        if (!repeats) timers.delete(id);
        return typeof fn === "function" ? fn(...args) : undefined;
      }, ...rest);
      timers.add(id);
      return id;
    };
    window[clear] = (id) => {
      timers.delete(id);
      realClear(id);
    };
  };
  wrapTimer("setTimeout", "clearTimeout", false);
  wrapTimer("setInterval", "clearInterval", true);

  const made = { RTCPeerConnection: [], WebSocket: [], MessageChannel: [] };
  for (const name of Object.keys(made)) {
    const Real = window[name];
    window[name] = class extends Real {
      constructor(...args) {
        super(...args);
        made[name].push(this);
      }
    };
  }

  let listeners = 0;
  const add = EventTarget.prototype.addEventListener;
  const remove = EventTarget.prototype.removeEventListener;
  const known = new WeakMap();
  const lasting = (target) => target === window || target === document || target instanceof HTMLElement;
  const key = (type, options) => `${type} ${typeof options === "object" ? !!options?.capture : !!options}`;
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    if (lasting(this ?? window) && listener) {
      const target = this ?? window;
      const all = known.get(target) ?? new Map();
      known.set(target, all);
      const set = all.get(key(type, options)) ?? new Set();
      all.set(key(type, options), set);
      if (!set.has(listener)) {
        set.add(listener);
        listeners += 1;
        const drop = () => {
          if (set.delete(listener)) listeners -= 1;
        };
        options?.signal && add.call(options.signal, "abort", drop, { once: true });
        if (options?.once) add.call(target, type, drop, { ...options, once: true });
      }
    }
    return add.call(this ?? window, type, listener, options);
  };
  EventTarget.prototype.removeEventListener = function (type, listener, options) {
    const set = known.get(this ?? window)?.get(key(type, options));
    if (set?.delete(listener)) listeners -= 1;
    return remove.call(this ?? window, type, listener, options);
  };

  window.leftovers = () => ({
    connections: made.RTCPeerConnection.filter((made) => made.signalingState !== "closed").length,
    sockets: made.WebSocket.filter((made) => made.readyState < WebSocket.CLOSING).length,
    timers: timers.size,
    listeners,
  });
  window.everMade = () => ({
    connections: made.RTCPeerConnection.length,
    sockets: made.WebSocket.length,
  });
}

/**
 * `window.armPanic(where)`: the module panics the next time that it runs inside a `load` call of the page, for a message of a
 * peer, for a timer, or for the body of a fetch; with its own frames on the stack, as a bug of its own would.
 * `window.struck`: where it did.
 */
export function panicInside() {
  let armed = null;
  let inside = null;
  let glue = null;
  window.struck = null;
  const strike = (where) => {
    if (!glue || armed !== where || !/wasm/.test(new Error().stack)) return;
    armed = null;
    window.struck = where;
    glue.forcePanic();
  };
  window.armPanic = async (where) => {
    glue = await import("/dist/wasm/swarmline.js");
    const { load } = glue.Client.prototype;
    glue.Client.prototype.load = function (...args) {
      inside = "load";
      try {
        return load.apply(this, args);
      } finally {
        inside = null;
      }
    };
    armed = where;
  };
  // The module reads the clock for whatever it is called for.
  const now = performance.now.bind(performance);
  performance.now = () => {
    if (inside) strike(inside);
    if (reads > 0 && --reads === 0) trap();
    return now();
  };
  // As when memory has run out: the module's frames are gone, and its panic hook has not been called.
  let reads = 0;
  const trap = () => {
    armed = null;
    window.struck = "trap";
    throw new WebAssembly.RuntimeError("unreachable");
  };
  const { setTimeout } = window;
  window.setTimeout = (act, ...rest) =>
    setTimeout((...args) => {
      inside = "timer";
      try {
        act(...args);
      } finally {
        inside = null;
      }
    }, ...rest);
  const { get } = Object.getOwnPropertyDescriptor(MessageEvent.prototype, "data");
  Object.defineProperty(MessageEvent.prototype, "data", {
    get() {
      if (this.target instanceof RTCDataChannel) {
        strike("message");
        // The clock is read when a message is taken in, and again in the middle of handling it.
        if (armed === "trap" && glue && /wasm/.test(new Error().stack)) reads = 2;
      }
      return get.call(this);
    },
  });
  const { read } = ReadableStreamDefaultReader.prototype;
  ReadableStreamDefaultReader.prototype.read = function () {
    strike("fetch");
    return read.call(this);
  };
}

/** `window.cutConnections()` ends all peer connections of the page as a network that goes away does: without a word to anyone. */
export function keepConnections() {
  const made = new Set();
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...args) {
      super(...args);
      made.add(this);
    }
  };
  window.cutConnections = () => {
    const open = [...made].filter(({ signalingState }) => signalingState !== "closed");
    open.forEach((connection) => connection.close());
    made.clear();
    return open.length;
  };
}
