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

/** Keeps account of everything that can be left behind; `window.leftovers()` lists what is still alive. */
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

  let fetches = 0;
  const realFetch = window.fetch.bind(window);
  window.fetch = async (...args) => {
    fetches += 1;
    let settle = () => {
      settle = () => {};
      fetches -= 1;
    };
    try {
      const response = await realFetch(...args);
      if (!response.body) settle();
      else watchBody(response, () => settle());
      return response;
    } catch (error) {
      settle();
      throw error;
    }
  };
  // A body counts until it has been read, cancelled, or has failed.
  const watchBody = (response, settle) => {
    for (const name of ["arrayBuffer", "blob", "json", "text", "bytes"]) {
      if (!response[name]) continue;
      const read = response[name].bind(response);
      response[name] = () => read().finally(settle);
    }
    const body = response.body;
    const getReader = body.getReader.bind(body);
    const cancel = body.cancel.bind(body);
    body.cancel = (reason) => cancel(reason).finally(settle);
    body.getReader = (options) => {
      const reader = getReader(options);
      reader.closed.then(settle, settle);
      const release = reader.cancel.bind(reader);
      reader.cancel = (reason) => release(reason).finally(settle);
      return reader;
    };
  };

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
    fetches,
    listeners,
  });
  window.everMade = () => ({
    connections: made.RTCPeerConnection.length,
    sockets: made.WebSocket.length,
  });
}
