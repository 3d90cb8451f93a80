/** Size of a record of a tar archive, in bytes. */
const recordBytes = 512;

/** A tar archive (POSIX ustar) of these files by their paths of up to 100 bytes: owned by root, readable by all, and of no date, so that the same files give the same bytes. */
export function tarOf(files: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  const encoder = new TextEncoder();
  const parts = Object.entries(files).flatMap(([path, content]) => {
    const bytes = typeof content === 'string' ? encoder.encode(content) : content;
    return [headerOf(encoder.encode(path), bytes.byteLength), padded(bytes)];
  });
  return Buffer.concat([...parts, new Uint8Array(2 * recordBytes)]);
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.byteLength / recordBytes) * recordBytes);
  whole.set(bytes);
  return whole;
}

function headerOf(path: Uint8Array, sizeBytes: number): Uint8Array {
  if (path.byteLength > 100) throw new TypeError('A path in a test image has at most 100 bytes.');
  const header = Buffer.alloc(recordBytes);
  header.set(path);
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(0, 136, 12);
  header.write('        0', 148); // the sum counts its own place as spaces; then the type: a file
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
