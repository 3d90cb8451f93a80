import { DisconnectedError } from '../../src/http/message.ts';
import { imageOf } from '../support/documents.ts';
import { type Answer, type Call, imageType, sha256, stream } from '../support/registry.ts';
import { content } from '../support/uploads.ts';

/** Calls endpoints; throws `Refused` for what is no success. */
export type Request = (method: string, target: string, call?: Call) => Promise<Answer>;

/** An answer that is no success. */
export class Refused extends Error {
  readonly answer: Answer;
  /** `cause`: what the registry told its log, where a fault was its own. */
  constructor(answer: Answer, cause?: Error) {
    super(`It was answered ${answer.status}: ${answer.text}`, { cause });
    this.answer = answer;
  }
}

/** What is served at `target` before an act and after it; undefined: nothing. Between, it is one of the two. */
export interface Change {
  readonly target: string;
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
}

/** Something that a client does. */
export interface Act {
  readonly changes: readonly Change[];
  /** Does it, as often as it takes: what an attempt left is gone on with, as a client does. */
  attempt(request: Request): Promise<void>;
}

/** Makes an act in a repository of its own, in which it prepares what it needs. */
export type MakeAct = (request: Request, name: string) => Promise<Act>;

/** Bytes that no other push has. */
function uniqueContent(name: string, sizeBytes: number): Uint8Array {
  const bytes = content(sizeBytes);
  bytes.set(new TextEncoder().encode(name).subarray(0, sizeBytes));
  return bytes;
}

const blobAt = (name: string, bytes: Uint8Array) => `/v2/${name}/blobs/${sha256(bytes)}`;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

async function pushBlob(request: Request, name: string, bytes: Uint8Array): Promise<void> {
  await request('POST', `/v2/${name}/blobs/uploads/?digest=${sha256(bytes)}`, { body: bytes });
}

/** Pushes an image of one layer under `tag`; returns its manifest. */
async function pushImage(request: Request, name: string, tag: string): Promise<Uint8Array> {
  const layer = `layer of ${name}:${tag}`;
  await pushBlob(request, name, encode('{}'));
  await pushBlob(request, name, encode(layer));
  const manifest = encode(imageOf([layer]));
  await request('PUT', `/v2/${name}/manifests/${tag}`, { headers: { 'content-type': imageType }, body: manifest });
  return manifest;
}

/** Deletes; that it is gone already is as good. */
async function remove(request: Request, target: string): Promise<void> {
  try {
    await request('DELETE', target);
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
}

/** How many bytes the session at `location` has. */
async function offsetOf(request: Request, location: string): Promise<number> {
  const { headers } = await request('GET', location);
  const last = Number(/^0-(\d+)$/.exec(headers['range'] ?? '')?.[1]);
  return last === 0 ? 0 : last + 1;
}

/** Closes the session with the bytes from `start` on. */
async function close(
  request: Request,
  location: string,
  { bytes, start }: { bytes: Uint8Array; start: number },
): Promise<void> {
  const headers = { 'content-range': `${start}-${bytes.byteLength - 1}` };
  const rest = start === bytes.byteLength ? {} : { headers, body: bytes.subarray(start) };
  await request('PUT', `${location}?digest=${sha256(bytes)}`, rest);
}

const isUnknown = (error: unknown) => error instanceof Refused && error.answer.status === 404;

/** A client that asks where its session is and goes on from there, and begins a new one where it is gone. */
function bySession(sizeBytes: number): MakeAct {
  return async (_, name) => {
    const bytes = uniqueContent(name, sizeBytes);
    const middle = Math.floor(sizeBytes / 2);
    let location: string | undefined;
    async function begin(request: Request): Promise<{ session: string; start: number }> {
      try {
        if (location !== undefined) return { session: location, start: await offsetOf(request, location) };
      } catch (error) {
        if (!isUnknown(error)) throw error;
      }
      location = String((await request('POST', `/v2/${name}/blobs/uploads/`)).headers['location']);
      return { session: location, start: 0 };
    }
    return {
      changes: [{ target: blobAt(name, bytes), before: undefined, after: bytes }],
      async attempt(request) {
        const { session, start } = await begin(request);
        if (start < middle) await request('PATCH', session, { body: bytes.subarray(start, middle) });
        await close(request, session, { bytes, start: Math.max(start, middle) });
      },
    };
  };
}

function inOneRequest(sizeBytes: number): MakeAct {
  return async (_, name) => {
    const bytes = uniqueContent(name, sizeBytes);
    return {
      changes: [{ target: blobAt(name, bytes), before: undefined, after: bytes }],
      attempt: (request) => pushBlob(request, name, bytes),
    };
  };
}

const mount: MakeAct = async (request, name) => {
  const bytes = uniqueContent(name, 20_000);
  await pushBlob(request, `${name}/source`, bytes);
  return {
    changes: [
      { target: blobAt(`${name}/source`, bytes), before: bytes, after: bytes },
      { target: blobAt(name, bytes), before: undefined, after: bytes },
    ],
    async attempt(again) {
      const answer = await again('POST', `/v2/${name}/blobs/uploads/?mount=${sha256(bytes)}&from=${name}/source`);
      if (answer.status !== 201) throw new Refused(answer);
    },
  };
};

/** The same content again: its bytes are there, and those that came are not needed. */
const pushAgain: MakeAct = async (request, name) => {
  const bytes = uniqueContent(name, 20_000);
  await pushBlob(request, `${name}/first`, bytes);
  return {
    changes: [
      { target: blobAt(`${name}/first`, bytes), before: bytes, after: bytes },
      { target: blobAt(name, bytes), before: undefined, after: bytes },
    ],
    attempt: (again) => pushBlob(again, name, bytes),
  };
};

const moveTag: MakeAct = async (request, name) => {
  const first = await pushImage(request, name, 'latest');
  const layer = `second layer of ${name}`;
  await pushBlob(request, name, encode(layer));
  const second = encode(imageOf([layer]));
  const manifests = `/v2/${name}/manifests`;
  return {
    changes: [
      { target: `${manifests}/latest`, before: first, after: second },
      { target: `${manifests}/${sha256(second)}`, before: undefined, after: second },
      { target: `${manifests}/${sha256(first)}`, before: first, after: first },
    ],
    async attempt(again) {
      await again('PUT', `${manifests}/latest`, { headers: { 'content-type': imageType }, body: second });
    },
  };
};

const deleteTag: MakeAct = async (request, name) => {
  const manifest = await pushImage(request, name, 'latest');
  const target = `/v2/${name}/manifests/latest`;
  return {
    changes: [
      { target, before: manifest, after: undefined },
      { target: `/v2/${name}/manifests/${sha256(manifest)}`, before: manifest, after: manifest },
    ],
    attempt: (again) => remove(again, target),
  };
};

const deleteManifest: MakeAct = async (request, name) => {
  const manifest = await pushImage(request, name, 'latest');
  const layer = encode(`layer of ${name}:latest`);
  const target = `/v2/${name}/manifests/${sha256(manifest)}`;
  return {
    changes: [
      { target, before: manifest, after: undefined },
      { target: `/v2/${name}/manifests/latest`, before: manifest, after: undefined },
      { target: blobAt(name, layer), before: layer, after: layer },
    ],
    attempt: (again) => remove(again, target),
  };
};

const deleteBlob: MakeAct = async (request, name) => {
  const bytes = uniqueContent(name, 20_000);
  await pushBlob(request, name, bytes);
  await pushBlob(request, `${name}/other`, bytes);
  return {
    changes: [
      { target: blobAt(name, bytes), before: bytes, after: undefined },
      { target: blobAt(`${name}/other`, bytes), before: bytes, after: bytes },
    ],
    attempt: (again) => remove(again, blobAt(name, bytes)),
  };
};

const cancel: MakeAct = async (request, name) => {
  const location = String((await request('POST', `/v2/${name}/blobs/uploads/`)).headers['location']);
  await request('PATCH', location, { body: uniqueContent(name, 20_000) });
  return {
    changes: [{ target: location, before: new Uint8Array(), after: undefined }],
    attempt: (again) => remove(again, location),
  };
};

/** A client that hangs up, and then sends the rest. */
const hangUp: MakeAct = async (request, name) => {
  const bytes = uniqueContent(name, 30_000);
  const location = String((await request('POST', `/v2/${name}/blobs/uploads/`)).headers['location']);
  const target = `${location}?digest=${sha256(bytes)}`;
  let hasHungUp = false;
  return {
    changes: [{ target: blobAt(name, bytes), before: undefined, after: bytes }],
    async attempt(again) {
      if (!hasHungUp) {
        hasHungUp = true;
        const body = stream(bytes.subarray(0, 10_000), new DisconnectedError('The client went away.'));
        await again('PUT', target, { headers: { 'content-length': '30000' }, body }).catch((error: unknown) => {
          if (!(error instanceof Refused) || error.answer.status !== 400) throw error;
        });
      }
      try {
        await close(again, location, { bytes, start: await offsetOf(again, location) });
      } catch (error) {
        // The blob was made, and the answer that said so did not come.
        if (!isUnknown(error)) throw error;
        await pushBlob(again, name, bytes);
      }
    },
  };
};

/** Everything that a push and its opposite come to. */
export const acts: Readonly<Record<string, MakeAct>> = {
  'a large blob by a session': bySession(40_000),
  'a small blob by a session': bySession(1000),
  'a large blob in one request': inOneRequest(40_000),
  'a small blob in one request': inOneRequest(1000),
  'a blob whose content is there': pushAgain,
  'a client that hung up': hangUp,
  'a mount': mount,
  'a manifest that moves a tag': moveTag,
  'the delete of a tag': deleteTag,
  'the delete of a manifest': deleteManifest,
  'the delete of a blob': deleteBlob,
  'the end of a session': cancel,
};
