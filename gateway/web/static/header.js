// What a picture's first bytes say about it, so that a huge one need not be decoded to know that it is huge.

const HEAD_BYTES = 1 << 23; // more than the profile and the preview of a large picture
const ORIENTATION = 0x0112;

/** {format, width, height, orientation}; width and height are as stored, or undefined where we cannot tell. */
export async function header(blob) {
  let format = "";
  try {
    const view = new DataView(await blob.slice(0, HEAD_BYTES).arrayBuffer());
    const [name, read] = kind(view);
    format = name;
    return { format, orientation: 1, ...read(view) };
  } catch (error) {
    // Cut short, or longer than we looked; or the file is not there any more.
    if (error instanceof RangeError || error instanceof DOMException) return { format, orientation: 1 };
    throw error;
  }
}

const text = (view, at, length) =>
  String.fromCharCode(...new Uint8Array(view.buffer, at, Math.max(0, Math.min(length, view.byteLength - at))));

function kind(view) {
  const start = text(view, 0, 12);
  if (start.startsWith("\xff\xd8\xff")) return ["JPEG", jpeg];
  if (start.startsWith("\x89PNG")) return ["PNG", png];
  if (start.startsWith("GIF8")) return ["GIF", gif];
  if (start.startsWith("RIFF") && start.endsWith("WEBP")) return ["WebP", webp];
  if (/^(II[*+]\0|MM\0[*+])/.test(start)) return ["TIFF", () => ({})];
  return ["", () => ({})];
}

const png = (view) => ({ width: view.getUint32(16), height: view.getUint32(20) });
const gif = (view) => ({ width: view.getUint16(6, true), height: view.getUint16(8, true) });

function webp(view) {
  const uint24 = (at) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  switch (text(view, 12, 4)) {
    case "VP8X":
      return { width: uint24(24) + 1, height: uint24(27) + 1 };
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
    }
    default:
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  }
}

function jpeg(view) {
  let orientation = 1;
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    while (view.getUint16(at) === 0xffff) at += 1; // fill bytes
    const marker = view.getUint16(at);
    if (marker === 0xffe1) orientation = exif(view, at + 4) ?? orientation;
    const isFrame = marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5), orientation };
    if (marker < 0xff01 || marker === 0xffda) return {};
  }
}

function exif(view, at) {
  if (text(view, at, 6) !== "Exif\0\0") return undefined;
  const tiff = at + 6;
  try {
    const little = view.getUint16(tiff) === 0x4949;
    const entries = tiff + view.getUint32(tiff + 4, little);
    for (let i = 0; i < view.getUint16(entries, little); i += 1) {
      const entry = entries + 2 + 12 * i;
      if (view.getUint16(entry, little) === ORIENTATION) return turn(view.getUint16(entry + 8, little));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it leads nowhere; the size is still to come
  }
  return undefined;
}

const turn = (value) => (value >= 1 && value <= 8 ? value : undefined);
