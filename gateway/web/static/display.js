// A picture as an element that the browser can show without freezing, or null where it cannot show it.

import { element } from "./dom.js";

export const MOST_PIXELS = 40e6;
const MOST_PREVIEWED = 1e9;
const PREVIEW_SIDE = 2400;

/** {node, width, height, isPreview}, sizes as shown; null if the browser cannot show the file. */
export async function display(blob, { width, height, orientation }) {
  const pixels = width * height || 0;
  try {
    if (pixels > MOST_PREVIEWED) return null;
    return pixels > MOST_PIXELS ? await preview(blob, width, height, orientation) : await whole(blob);
  } catch (error) {
    if (error instanceof DOMException) return null; // how decoders say no
    throw error;
  }
}

/** Frees what an element holds. */
export function release(shown) {
  if (shown?.node.src) URL.revokeObjectURL(shown.node.src);
}

async function whole(blob) {
  const node = element("img", { src: URL.createObjectURL(blob), alt: "", draggable: false });
  try {
    await node.decode();
  } catch (error) {
    release({ node });
    throw error;
  }
  return { node, width: node.naturalWidth, height: node.naturalHeight, isPreview: false };
}

// The decoder runs beside the page, and only the small picture stays.
async function preview(blob, width, height, orientation) {
  const [across, down] = orientation > 4 ? [height, width] : [width, height];
  const scale = PREVIEW_SIDE / Math.max(across, down);
  const size = { resizeWidth: Math.round(across * scale), resizeHeight: Math.round(down * scale) };
  const bitmap = await createImageBitmap(blob, { ...size, resizeQuality: "medium" });
  const node = element("canvas", { width: bitmap.width, height: bitmap.height });
  node.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
  return { node, width: across, height: down, isPreview: true };
}
