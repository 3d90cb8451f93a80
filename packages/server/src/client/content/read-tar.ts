// Reads archives of strangers. The fields of a header are decoded by the package tar; the records of pax are read here, by their lengths in bytes as POSIX
// says and as Go reads them: a reader that goes by lines sees other names in an archive that was made for that.
import { Header } from 'tar';
import { ExitError } from '../../exit-error.ts';

const blockBytes = 512;
// A name has 4096 bytes at most on Linux; extended attributes may be longer.
const maxMetaBytes = 2 ** 20;

/** An entry of an archive. Nothing in it is checked but its form. */
export type TarItem = {
  readonly type: 'file' | 'directory' | 'symlink' | 'link' | 'other';
  readonly path: string;
  /** What a link leads to, else empty. */
  readonly linkPath: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedAt: Date | undefined;
  readonly sizeBytes: number;
  /** To be read before the next entry is asked for, or not at all. */
  readonly content: AsyncIterable<Uint8Array>;
};

/** The entries in their order. Reads on to the end of `source` after the last of them. Refuses with an `ExitError` that names `place` what is no archive. */
export async function* readTar(source: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<TarItem> {
  const broken = (why: string) => new ExitError(`The archive ${place} is broken: ${why}.`);
  const reader = createReader(source, () => broken('it ends in the middle'));
  let extended: Extended = {};
  try {
    for (;;) {
      const block = await reader.take(blockBytes);
      if (block === undefined) return;
      const header = new Header(block);
      if (header.nullBlock === true) break;
      if (!header.cksumValid) throw broken('a header has a wrong checksum');
      const declared = header.size ?? 0;
      if (metaTypes.has(header.type)) {
        if (declared > maxMetaBytes) throw broken('a name is too long');
        const body = (await reader.take(declared)) ?? Buffer.alloc(0);
        await reader.skip(paddingOf(declared));
        extended = { ...extended, ...readMeta(header.type, body, broken) };
        continue;
      }
      const item = toItem(header, extended, broken);
      extended = {};
      const content = reader.stream(item.sizeBytes);
      yield { ...item, content: content.bytes };
      await reader.skip(content.left() + paddingOf(item.sizeBytes));
    }
    await reader.skip(Number.POSITIVE_INFINITY);
  } finally {
    await reader.close();
  }
}

/** The bytes of an entry of at most `maxBytes`, else an `ExitError`. */
export async function readWhole({ path, sizeBytes, content }: TarItem, maxBytes: number): Promise<Uint8Array> {
  if (sizeBytes > maxBytes) throw new ExitError(`${JSON.stringify(path)} is larger than ${maxBytes} bytes.`);
  return Buffer.concat(await Array.fromAsync(content));
}

const metaTypes = new Set<string>([
  'ExtendedHeader',
  'OldExtendedHeader',
  'GlobalExtendedHeader',
  'NextFileHasLongPath',
  'OldGnuLongPath',
  'NextFileHasLongLinkpath',
]);

const itemTypes: Readonly<Record<string, TarItem['type']>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Directory: 'directory',
  SymbolicLink: 'symlink',
  Link: 'link',
};

type Broken = (why: string) => ExitError;
type Extended = { readonly path?: string; readonly linkpath?: string; readonly size?: number };

function toItem(header: Header, extended: Extended, broken: Broken): Omit<TarItem, 'content'> {
  const path = extended.path ?? header.path ?? '';
  const declared = itemTypes[header.type] ?? 'other';
  // As old archives say it.
  const type = declared === 'file' && path.endsWith('/') ? 'directory' : declared;
  const sizeBytes = declared === 'file' ? (extended.size ?? header.size ?? 0) : 0;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw broken('an entry has an impossible size');
  if (type === 'directory' && sizeBytes > 0) throw broken('a directory has content');
  const { mode = 0o644, uid = 0, gid = 0, mtime } = header;
  const modifiedAt = mtime !== undefined && !Number.isNaN(mtime.getTime()) ? mtime : undefined;
  const linkPath = extended.linkpath ?? header.linkpath ?? '';
  return { type, path, linkPath, mode, uid, gid, modifiedAt, sizeBytes };
}

function readMeta(type: string, body: Buffer, broken: Broken): Extended {
  const text = () => body.subarray(0, body.indexOf(0) === -1 ? body.length : body.indexOf(0)).toString();
  switch (type) {
    case 'NextFileHasLongPath':
    case 'OldGnuLongPath':
      return { path: text() };
    case 'NextFileHasLongLinkpath':
      return { linkpath: text() };
    case 'GlobalExtendedHeader':
      // For all entries that follow, such as Git's commit: nothing that says which file is which.
      return {};
    default:
      return readPax(body, broken);
  }
}

function readPax(body: Buffer, broken: Broken): Extended {
  let extended: Extended = {};
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(' ', at);
    const length = space === -1 ? '' : body.toString('latin1', at, space);
    const end = at + Number(length);
    const equals = body.indexOf('=', space);
    if (!/^\d{1,7}$/.test(length) || end > body.length || equals === -1 || equals >= end || body[end - 1] !== 0x0a) {
      throw broken('a pax record has a wrong length');
    }
    const key = body.toString('utf8', space + 1, equals);
    const value = body.toString('utf8', equals + 1, end - 1);
    if (key === 'path' || key === 'linkpath') extended = { ...extended, [key]: value };
    if (key === 'size') extended = { ...extended, size: /^\d+$/.test(value) ? Number(value) : Number.NaN };
    if (key.startsWith('GNU.sparse.')) throw broken('sparse files are not understood');
    at = end;
  }
  return extended;
}

const paddingOf = (sizeBytes: number) => (blockBytes - (sizeBytes % blockBytes)) % blockBytes;

function createReader(source: AsyncIterable<Uint8Array>, cutOff: () => ExitError) {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();

  /** The next bytes, `limit` at most; undefined at the end. */
  async function next(limit: number): Promise<Uint8Array | undefined> {
    while (rest.length === 0) {
      const { done, value } = await iterator.next();
      if (done === true) return undefined;
      rest = value;
    }
    const bytes = rest.subarray(0, limit);
    rest = rest.subarray(bytes.length);
    return bytes;
  }

  return {
    /** So many bytes; undefined when there are none at all. */
    async take(count: number): Promise<Buffer | undefined> {
      const pieces: Uint8Array[] = [];
      for (let left = count; left > 0; ) {
        const bytes = await next(left);
        if (bytes === undefined && left === count) return undefined;
        if (bytes === undefined) throw cutOff();
        pieces.push(bytes);
        left -= bytes.length;
      }
      return Buffer.concat(pieces);
    },
    /** Leaves out so many bytes; with Infinity all. */
    async skip(count: number): Promise<void> {
      for (let left = count; left > 0; ) {
        const bytes = await next(left);
        if (bytes === undefined && left === Number.POSITIVE_INFINITY) return;
        if (bytes === undefined) throw cutOff();
        left -= bytes.length;
      }
    },
    /** Tells the source that nobody reads on. */
    async close(): Promise<void> {
      await iterator.return?.();
    },
    /** So many bytes as they come. */
    stream(count: number) {
      let left = count;
      async function* bytes() {
        while (left > 0) {
          const piece = await next(left);
          if (piece === undefined) throw cutOff();
          left -= piece.length;
          yield piece;
        }
      }
      return { bytes: bytes(), left: () => left };
    },
  };
}
