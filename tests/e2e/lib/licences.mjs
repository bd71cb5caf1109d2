// A licence server for Clear Key: whoever asks for a key gets it, as JSON (W3C Encrypted Media Extensions, §9.1).
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const OPEN = { "access-control-allow-origin": "*", "access-control-allow-headers": "content-type" };

/** Gives out these keys, by key id, both in base64url; on a loopback port of the system's choosing. */
export async function startLicences(keys) {
  let granted = 0;
  const server = createServer(async (request, response) => {
    if (request.method !== "POST") return response.writeHead(204, OPEN).end();
    const { kids } = JSON.parse(await text(request));
    granted += 1;
    response.writeHead(200, { ...OPEN, "content-type": "application/json" });
    response.end(JSON.stringify({ type: "temporary", keys: kids.map((kid) => ({ kty: "oct", kid, k: keys[kid] })) }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/licence`,
    /** Requests answered with keys. */
    get granted() {
      return granted;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
