/**
 * Where the body of a partial answer begins inside the resource, in bytes; null: not at or before `asked`, or in several
 * parts. A CDN that does not expose `Content-Range` to other origins is taken to have sent what was asked.
 */
export function partBegins({ headers }: Response, asked: number): number | null {
  if (headers.get("content-type")?.startsWith("multipart/")) return null;
  const header = headers.get("content-range");
  if (header === null) return asked;
  const match = /^bytes (\d+)-(\d+)\/(?:\d+|\*)$/.exec(header.trim());
  if (!match) return null;
  const [first, last] = [Number(match[1]), Number(match[2])];
  return first <= asked && asked <= last ? first : null;
}
