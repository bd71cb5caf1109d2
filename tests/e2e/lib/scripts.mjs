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
