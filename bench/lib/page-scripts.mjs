// Functions that run in a page before any of its scripts. They must be self-contained.

/** `window.wasmBytes()`: how large the memories of all WebAssembly modules of the page are. */
export function watchWasm() {
  const memories = [];
  for (const name of ["instantiate", "instantiateStreaming"]) {
    const real = WebAssembly[name];
    WebAssembly[name] = async (...args) => {
      const made = await real.apply(WebAssembly, args);
      const { exports } = made.instance ?? made;
      memories.push(...Object.values(exports).filter((one) => one instanceof WebAssembly.Memory));
      return made;
    };
  }
  window.wasmBytes = () => memories.reduce((bytes, { buffer }) => bytes + buffer.byteLength, 0);
}
