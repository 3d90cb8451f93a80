import { type Answer, type Ask, digestOf, expectStatus, Fault, look } from './ask.ts';
import { type Cell, type Fact, type Ledger, type State, seen } from './ledger.ts';
import type { Random } from './random.ts';

/** An upload session that a client may go on with. */
export interface OpenUpload {
  readonly repository: string;
  readonly session: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One client, which does one thing after the other in a repository of its own, and pushes common content to one that all share. */
export interface Client {
  /** Does something at random. Rejects with a `Fault` when the answer is wrong, and as `Ask` does when there is none. */
  act(): Promise<void>;
  /** After a restart: asks what became of what was not answered, and goes on with an upload that was interrupted. */
  settle(): Promise<void>;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const octets = { 'Content-Type': 'application/octet-stream' };
const tags = ['latest', 'stable', 'v1', 'v2', 'v3'];
const commonContents = 6;

/** What clients of one registry have in common, and what became of them. */
export interface World {
  readonly ledger: Ledger;
  /** Every session that was opened. */
  readonly uploads: OpenUpload[];
  /** Where the registry is now. */
  ask: Ask;
  /** How many uploads went on from where the server said that they were. */
  resumed: number;
}

export function createClient(name: string, world: World, random: Random): Client {
  const { ledger } = world;
  const repository = `power/${name}`;
  const blobs = new Set<string>();
  const manifests = new Map<string, { readonly bytes: Uint8Array<ArrayBuffer>; readonly blobs: readonly string[] }>();
  let unanswered: readonly Cell[] = [];
  const interrupted = new Set<OpenUpload>();

  const blobCell = (digest: string, where = repository): Cell => ({ kind: 'blob', repository: where, name: digest });
  const manifestCell = (digest: string): Cell => ({ kind: 'manifest', repository, name: digest });
  const tagCell = (tag: string): Cell => ({ kind: 'tag', repository, name: tag });
  const sessionCell = ({ session, repository: where }: OpenUpload): Cell => ({
    kind: 'session',
    repository: where,
    name: session,
  });
  const isThere = (cell: Cell) => ledger.last(cell) !== 'absent';

  /** Asks for states with one request, and notes the promise that its answer is. */
  async function change(
    wanted: readonly (readonly [Cell, State])[],
    status: number,
    [path, init]: readonly [string, RequestInit],
  ): Promise<Answer> {
    unanswered = wanted.map(([cell]) => cell);
    const facts = ledger.ask(wanted);
    const answer = await expectStatus(world.ask(path, init), `${init.method} ${path}`, [status]);
    promise(facts, answer);
    unanswered = [];
    return answer;
  }

  async function open(where: string, bytes: Uint8Array<ArrayBuffer>): Promise<OpenUpload> {
    const path = `/v2/${where}/blobs/uploads/`;
    const answer = await expectStatus(world.ask(path, { method: 'POST' }), `POST ${path}`, [202]);
    const upload = { repository: where, session: answer.headers.get('location') ?? '', bytes };
    promise(ledger.ask([[sessionCell(upload), 'present']]), answer);
    world.uploads.push(upload);
    return upload;
  }

  function send(upload: OpenUpload, start: number, end: number): Promise<Answer> {
    const body = upload.bytes.slice(start, end);
    const headers = { ...octets, 'Content-Range': `${start}-${end - 1}` };
    const sent = world.ask(upload.session, { method: 'PATCH', headers, body });
    return expectStatus(sent, `PATCH ${upload.session}`, [202]);
  }

  async function finish(upload: OpenUpload, start: number): Promise<void> {
    const digest = digestOf(upload.bytes);
    const body = upload.bytes.slice(start);
    interrupted.add(upload);
    await change(
      [
        [blobCell(digest, upload.repository), 'present'],
        [sessionCell(upload), 'absent'],
      ],
      201,
      [`${upload.session}?digest=${digest}`, { method: 'PUT', headers: octets, body }],
    );
    interrupted.delete(upload);
    if (upload.repository === repository) blobs.add(digest);
  }

  async function pushInOne(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const digest = digestOf(bytes);
    const path = `/v2/${repository}/blobs/uploads/?digest=${digest}`;
    await change([[blobCell(digest), 'present']], 201, [path, { method: 'POST', headers: octets, body: bytes }]);
    blobs.add(digest);
  }

  async function pushInChunks(): Promise<void> {
    const upload = await open(repository, random.bytes(40_000 + random.below(1_500_000)));
    interrupted.add(upload);
    let start = 0;
    for (let left = 1 + random.below(3); left > 0; left -= 1) {
      const end = Math.min(upload.bytes.length, start + 2 + random.below(upload.bytes.length - start));
      await send(upload, start, end);
      start = end;
    }
    await finish(upload, start);
  }

  /** The same content as others push, perhaps at the same moment. */
  async function pushCommon(seed: Uint8Array<ArrayBuffer>): Promise<void> {
    const upload = await open('power/common', seed);
    await finish(upload, 0);
  }

  async function mount(digest: string): Promise<void> {
    const path = `/v2/power/common/blobs/uploads/?mount=${digest}&from=${repository}`;
    await change([[blobCell(digest, 'power/common'), 'present']], 201, [path, { method: 'POST' }]);
  }

  async function leaveOpen(): Promise<void> {
    const upload = await open(repository, random.bytes(60_000));
    await send(upload, 0, 2 + random.below(59_998));
    if (random.chance(0.5)) return;
    await change([[sessionCell(upload), 'absent']], 204, [upload.session, { method: 'DELETE' }]);
  }

  /** A push of an image, or a move of tags to one that is there. */
  async function pushManifest(): Promise<void> {
    const old = random.pick([...manifests.keys()].filter((digest) => isThere(manifestCell(digest))));
    const known = old === undefined || random.chance(0.7) ? undefined : manifests.get(old);
    const layers = [...blobs].filter((digest) => isThere(blobCell(digest)));
    if (layers.length < 2) return pushInOne(random.bytes(200 + random.below(4000)));
    const used = [random.pick(layers), random.pick(layers), random.pick(layers)].filter(
      (digest) => digest !== undefined,
    );
    const bytes = known?.bytes ?? makeManifest(used, random.below(1e9));
    const digest = digestOf(bytes);
    manifests.set(digest, { bytes, blobs: known?.blobs ?? used });
    const set = new Set([random.pick(tags) ?? 'latest', random.pick(tags) ?? 'latest']);
    const [first] = set;
    const path = set.size === 1 ? first : `${digest}?${[...set].map((tag) => `tag=${tag}`).join('&')}`;
    const wanted: (readonly [Cell, State])[] = [...set].map((tag) => [tagCell(tag), digest] as const);
    wanted.push([manifestCell(digest), 'present']);
    const headers = { 'Content-Type': manifestType };
    await change(wanted, 201, [`/v2/${repository}/manifests/${path}`, { method: 'PUT', headers, body: bytes }]);
  }

  async function deleteTag(tag: string): Promise<void> {
    await change([[tagCell(tag), 'absent']], 202, [`/v2/${repository}/manifests/${tag}`, { method: 'DELETE' }]);
  }

  async function deleteManifest(digest: string): Promise<void> {
    const moved = tags.filter((tag) => ledger.last(tagCell(tag)) === digest);
    const wanted: (readonly [Cell, State])[] = moved.map((tag) => [tagCell(tag), 'absent'] as const);
    wanted.push([manifestCell(digest), 'absent']);
    await change(wanted, 202, [`/v2/${repository}/manifests/${digest}`, { method: 'DELETE' }]);
  }

  async function deleteBlob(digest: string): Promise<void> {
    await change([[blobCell(digest), 'absent']], 202, [`/v2/${repository}/blobs/${digest}`, { method: 'DELETE' }]);
  }

  /** Deletes something that is there and that nothing needs. */
  async function deleteSomething(): Promise<void> {
    const live = [...manifests.keys()].filter((digest) => isThere(manifestCell(digest)));
    const named = new Set(live.flatMap((digest) => manifests.get(digest)?.blobs ?? []));
    const tag = random.pick(tags.filter((name) => isThere(tagCell(name))));
    const manifest = random.pick(live);
    const blob = random.pick([...blobs].filter((digest) => isThere(blobCell(digest)) && !named.has(digest)));
    const choice = random.below(3);
    if (choice === 0 && tag !== undefined) return deleteTag(tag);
    if (choice === 1 && manifest !== undefined) return deleteManifest(manifest);
    if (blob !== undefined) return deleteBlob(blob);
  }

  /** Goes on with an upload from the offset that the server reports. 409: the writer that was killed still has its lease. */
  async function resume(upload: OpenUpload): Promise<void> {
    const state = await expectStatus(world.ask(upload.session), `GET ${upload.session}`, [204, 404]);
    if (state.status === 404) {
      if (isThere(sessionCell(upload))) throw new Fault(`${upload.session} was promised, and is gone`);
      interrupted.delete(upload);
      return;
    }
    const result = await goOn(world, upload, state);
    if (result === 'busy') return;
    if (result === 'wrong') throw new Fault(`${upload.session}: what was kept of the upload is not what was sent`);
    world.resumed += 1;
    interrupted.delete(upload);
    if (upload.repository === repository) blobs.add(digestOf(upload.bytes));
  }

  return {
    async act() {
      const choice = random.below(100);
      if (choice < 12) return pushInOne(random.bytes(1 + random.below(16_384)));
      if (choice < 20) return pushInOne(random.bytes(17_000 + random.below(random.chance(0.2) ? 2_500_000 : 200_000)));
      if (choice < 34) return pushInChunks();
      if (choice < 40) return finish(await open(repository, random.bytes(1 + random.below(20_000))), 0);
      if (choice < 48) {
        const seed = random.below(commonContents);
        return pushCommon(new Uint8Array(20_000 + seed * 3000).fill(seed + 1));
      }
      if (choice < 53) {
        const digest = random.pick([...blobs].filter((held) => isThere(blobCell(held))));
        return digest === undefined ? undefined : mount(digest);
      }
      if (choice < 60) return leaveOpen();
      return choice < 84 ? pushManifest() : deleteSomething();
    },
    async settle() {
      for (const cell of unanswered) {
        const [fact] = ledger.ask([[cell, await look(world.ask, cell)]]);
        if (fact !== undefined) fact.promisedBy = seen;
        if (cell.kind === 'blob' && cell.repository === repository) blobs.add(cell.name);
      }
      unanswered = [];
      for (const upload of interrupted) await resume(upload);
    },
  };
}

/** Sends what is missing of an upload and makes the blob, noting the promise. `wrong`: the server compared what it kept with the digest, and refused. */
export async function goOn(world: World, upload: OpenUpload, state: Answer): Promise<'done' | 'busy' | 'wrong'> {
  const { ledger, ask } = world;
  const { repository, session, bytes } = upload;
  const digest = digestOf(bytes);
  const end = /^0-(\d+)$/.exec(state.headers.get('range') ?? '')?.[1];
  // A session without a byte says 0-0. No chunk of these clients leaves one with a single byte, which says so, too.
  const start = end === undefined || end === '0' ? 0 : Number(end) + 1;
  const blob: Cell = { kind: 'blob', repository, name: digest };
  const open: Cell = { kind: 'session', repository, name: session };
  const before = ledger.last(blob);
  const facts = ledger.ask([
    [blob, 'present'],
    [open, 'absent'],
  ]);
  const body = bytes.slice(start);
  const path = `${session}?digest=${digest}`;
  const range = body.length === 0 ? {} : { 'Content-Range': `${start}-${bytes.length - 1}` };
  const sent = ask(path, { method: 'PUT', headers: { ...octets, ...range }, body });
  const answer = await expectStatus(sent, `PUT ${path}`, [201, 400, 409]);
  if (answer.status === 201) promise(facts, answer);
  else {
    ledger.ask([
      [blob, before],
      [open, 'present'],
    ]);
  }
  return answer.status === 201 ? 'done' : answer.status === 409 ? 'busy' : 'wrong';
}

function promise(facts: readonly Fact[], answer: Answer): void {
  for (const fact of facts) fact.promisedBy = answer.headers.get('x-request-id') ?? undefined;
}

function makeManifest(digests: readonly string[], number: number): Uint8Array<ArrayBuffer> {
  const [config, ...layers] = digests.map((digest) => ({
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    digest,
    size: 1,
  }));
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { ...config, mediaType: 'application/vnd.oci.image.config.v1+json' },
    layers,
    annotations: { number: String(number) },
  };
  return new TextEncoder().encode(JSON.stringify(manifest));
}
