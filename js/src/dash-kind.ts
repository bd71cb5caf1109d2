/** dash.js' media type, which is video or audio for all that is looked at here → what hls.js would call it. */
export function kindOf(mediaType: string | null): "main" | "audio" {
  return mediaType === "audio" ? "audio" : "main";
}
