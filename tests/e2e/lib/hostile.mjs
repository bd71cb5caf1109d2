// Hostile viewers. Each is an honest one whose data channels are tampered with on the way out, which is all that
// others ever see of it. The functions run in a page before any of its scripts, so they must be self-contained; what they
// have done is counted in `window.misdeeds`. Message numbers and layouts are those of src/core/wire/mod.rs.

/** Says that it has every segment whole as soon as it has any of it, and sends neither chunks nor refusals. */
export function claimAndNeverSend() {
  const [HAVE, HAVE_MORE, CHUNK, REJECT] = [2, 3, 8, 10];
  const FORM = 1 + 4 + 32 + 1 + 4; // tag, alias, hash, short, leaves
  const send = RTCDataChannel.prototype.send;
  window.misdeeds = 0;
  RTCDataChannel.prototype.send = function (data) {
    const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    if (bytes[0] === CHUNK) window.misdeeds += 1;
    if ([HAVE_MORE, CHUNK, REJECT].includes(bytes[0])) return undefined;
    if (bytes[0] !== HAVE) return send.call(this, data);
    const whole = bytes.slice(0, FORM + 1);
    whole[FORM] = 1;
    return send.call(this, whole);
  };
}

/** Once `window.attacking` is set, sends a thousand well-formed messages a second on each of its channels, besides what it should. */
export function flood() {
  const send = RTCDataChannel.prototype.send;
  const flooded = new WeakSet();
  const numbered = (tag, length) => {
    const message = new Uint8Array(length);
    message[0] = tag;
    crypto.getRandomValues(message.subarray(1, 5));
    return message;
  };
  window.misdeeds = 0;
  RTCDataChannel.prototype.send = function (data) {
    if (!flooded.has(this)) {
      flooded.add(this);
      const timer = setInterval(() => {
        if (this.readyState !== "open") return clearInterval(timer);
        if (!window.attacking) return undefined;
        for (let i = 0; i < 20; i += 1) {
          // Ping, Drop and Cancel of something.
          const message = [numbered(12, 5), numbered(4, 5), numbered(11, 13)][i % 3];
          if (message[0] === 11) message[12] = 1;
          send.call(this, message);
          window.misdeeds += 1;
        }
      }, 20);
    }
    return send.call(this, data);
  };
}

/** Once `window.attacking` is set, sends, ten times a second on each channel, what no rule allows: rubbish, cut messages and huge ones. */
export function malform() {
  const send = RTCDataChannel.prototype.send;
  const spoilt = new WeakSet();
  window.misdeeds = 0;
  RTCDataChannel.prototype.send = function (data) {
    if (!spoilt.has(this)) {
      spoilt.add(this);
      let turn = 0;
      const timer = setInterval(() => {
        if (this.readyState !== "open") return clearInterval(timer);
        if (!window.attacking) return undefined;
        turn += 1;
        const message = new Uint8Array([3, 200, 200_000][turn % 3]);
        crypto.getRandomValues(message.subarray(0, 60_000));
        message[0] = 1 + (turn % 14);
        send.call(this, message);
        window.misdeeds += 1;
      }, 100);
    }
    return send.call(this, data);
  };
}
