import { formatBytes } from './byte-size.ts';

/** Shows people how far a command is. */
export interface Progress {
  /** One blob begins. */
  begin(about: { readonly digest: string; readonly size: number }): ProgressItem;
  /** A sentence in between. */
  tell(sentence: string): void;
  /** Takes the moving line away. */
  close(): void;
}

/** One blob. */
export interface ProgressItem {
  /** How many of its bytes are through. */
  at(bytes: number): void;
  /** It is done; `how` in one word. */
  end(how: string): void;
}

/** Where progress is written. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const redrawMs = 100;
const eraseLine = '\r\u001b[K';

/** Writes one line a blob when it is done; on a terminal also a line that moves meanwhile. */
export function createProgress(stream: ProgressStream, now: () => number = Date.now): Progress {
  const going = new Map<ProgressItem, { size: number; bytes: number }>();
  const startedMs = now();
  const total = { begun: 0, done: 0, doneBytes: 0, movedBytes: 0 };
  let drawnMs = 0;

  const line = (text: string) => {
    const clean = text.replace(/\p{C}/gu, '?'); // names of files come from others
    stream.write(stream.isTTY === true ? `${eraseLine}${clean}\n` : `${clean}\n`);
  };

  function draw(): void {
    if (stream.isTTY !== true || now() - drawnMs < redrawMs) return;
    drawnMs = now();
    const items = [...going.values()];
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
    const size = items.reduce((sum, item) => sum + item.size, 0);
    const seconds = Math.max((now() - startedMs) / 1000, 0.1);
    const text = `${total.done} of ${total.begun} blobs, ${formatBytes(bytes)} of ${formatBytes(size)} now, ${formatBytes(Math.round(total.movedBytes / seconds))}/s`;
    stream.write(`${eraseLine}${text.slice(0, (stream.columns ?? 80) - 1)}`);
  }

  return {
    begin({ digest, size }) {
      const state = { size, bytes: 0 };
      total.begun += 1;
      const item: ProgressItem = {
        at(bytes) {
          total.movedBytes += Math.max(bytes - state.bytes, 0);
          state.bytes = bytes;
          draw();
        },
        end(how) {
          going.delete(item);
          total.done += 1;
          line(`${shortDigest(digest)}  ${formatBytes(size).padStart(10)}  ${how}`);
        },
      };
      going.set(item, state);
      return item;
    },
    tell: line,
    close() {
      if (stream.isTTY === true) stream.write(eraseLine);
    },
  };
}

/** The first characters of a digest, which are enough for people. */
export function shortDigest(digest: string): string {
  return digest.slice(0, digest.indexOf(':') + 13);
}
