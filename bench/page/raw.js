// Ends of bare data channels, for comparison: a page may have one on which it sends, and one on which it receives.

/** No more than this waits to be sent, and more is given when less than a quarter of it is left. */
const WAITING = 2 ** 20;

window.raw = {
  /** The end that sends: a description for whoever shall receive. */
  async offer() {
    this.out = new RTCPeerConnection();
    this.channel = this.out.createDataChannel("raw");
    this.channel.bufferedAmountLowThreshold = WAITING / 4;
    await this.out.setLocalDescription();
    return gathered(this.out);
  },

  /** The end that receives: its answer. */
  async answer(offer) {
    this.in = new RTCPeerConnection();
    this.arrived = new Promise((resolve) => {
      this.in.ondatachannel = ({ channel }) => {
        channel.binaryType = "arraybuffer";
        resolve(channel);
      };
    });
    await this.in.setRemoteDescription(offer);
    await this.in.setLocalDescription();
    return gathered(this.in);
  },

  /** Completes what `offer` began. */
  async connect(answer) {
    await this.out.setRemoteDescription(answer);
    if (this.channel.readyState !== "open") await new Promise((resolve) => (this.channel.onopen = resolve));
  },

  /** Sends so many bytes in messages of `size`, as fast as they go. */
  async send(bytes, size) {
    const { channel } = this;
    const message = new Uint8Array(size);
    for (let left = bytes; left > 0; left -= size) {
      if (channel.bufferedAmount > WAITING) await new Promise((resolve) => (channel.onbufferedamountlow = resolve));
      channel.send(left < size ? message.subarray(0, left) : message);
    }
  },

  /** How long `bytes` take from now on, in ms: into one buffer, as a loader has to put them. */
  async receive(bytes) {
    const channel = await this.arrived;
    const whole = new Uint8Array(bytes);
    let got = 0;
    let begun = 0;
    await new Promise((resolve) => {
      channel.onmessage = ({ data }) => {
        begun ||= performance.now();
        whole.set(new Uint8Array(data), got);
        got += data.byteLength;
        if (got >= bytes) resolve();
      };
    });
    return performance.now() - begun;
  },

  /** From now on sends `bytes` every so many seconds, as a viewer passes segments on, and receives as much. */
  flow(bytes, size, seconds) {
    this.moved = 0;
    void (async () => {
      for (;;) {
        await this.receive(bytes);
        this.moved += bytes;
      }
    })();
    setInterval(() => void this.send(bytes, size), seconds * 1000);
  },
};

async function gathered(connection) {
  while (connection.iceGatheringState !== "complete") await new Promise((resolve) => setTimeout(resolve, 20));
  return connection.localDescription.toJSON();
}
