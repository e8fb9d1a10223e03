// A zip archive (PKWARE's APPNOTE 4.3) of files as they are: pictures hardly shrink.

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
const UTF8 = 0x0800;
const STORED = 0;

/** The archive of [{name, blob, date}] as a Blob; fewer than 2^32 bytes and 2^16 files. */
export async function zip(files) {
  const entries = [];
  const directory = [];
  let offset = 0;
  for (const { name, blob, date } of files) {
    const text = new TextEncoder().encode(name);
    const described = [
      ...u16(VERSION), ...u16(UTF8), ...u16(STORED), ...dos(date),
      ...u32(await crc32(blob)), ...u32(blob.size), ...u32(blob.size), ...u16(text.length), ...u16(0),
    ];
    const head = Uint8Array.of(...u32(LOCAL), ...described, ...text);
    entries.push(head, blob);
    directory.push(Uint8Array.of(...u32(CENTRAL), ...u16(VERSION), ...described, ...u16(0), ...u32(0), ...u32(0), ...u32(offset), ...text));
    offset += head.length + blob.size;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = Uint8Array.of(...u32(END), ...u32(0), ...u16(files.length), ...u16(files.length), ...u32(size), ...u32(offset), ...u16(0));
  return new Blob([...entries, ...directory, end], { type: "application/zip" });
}

const u16 = (n) => [n & 255, (n >>> 8) & 255];
const u32 = (n) => [...u16(n), ...u16(n >>> 16)];

/** Time and date as MS-DOS had them, from 1980 on, two seconds fine. */
function dos(date) {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const day = (Math.max(date.getFullYear() - 1980, 0) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  return [...u16(time), ...u16(day)];
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

// Piece by piece, so that the page goes on meanwhile.
async function crc32(blob) {
  const reader = blob.stream().getReader();
  let crc = -1;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return ~crc >>> 0;
    for (let i = 0; i < value.length; i += 1) crc = TABLE[(crc ^ value[i]) & 255] ^ (crc >>> 8);
  }
}
