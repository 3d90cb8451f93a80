import type { FileHandle } from 'node:fs/promises';
import * as nodeFiles from 'node:fs/promises';
import { StorageError } from '../../src/storage/error.ts';
import type { Files } from '../../src/storage/filesystem/host.ts';
import type { MetadataStore } from '../../src/storage/metadata-store.ts';

/** What a host says when it fails. */
export type HostCode = 'EIO' | 'ENOSPC' | 'EMFILE';

/** One fault: at the call number `at` from now on, counted from 1, in the place of the act or after it was done. */
export interface FaultPlan {
  readonly at: number;
  readonly code: HostCode;
  readonly moment: 'before' | 'after';
}

/** Faults of one store's host, one at a time. */
export interface Faults {
  arm(plan: FaultPlan): void;
  /** Lets every later call succeed; returns the fault that came since `arm`, if it came. */
  disarm(): Struck | undefined;
  /** Runs `act`, or fails it. */
  run<Result>(call: Call, act: () => Promise<Result>): Promise<Result>;
}

/** A call that can fail. */
export interface Call {
  readonly name: string;
  /** The error of this call under a host that says `code`. */
  error(code: HostCode): Error;
  /** Undefined: as the plan says. */
  readonly moment?: FaultPlan['moment'];
}

/** A fault that came. */
export interface Struck {
  readonly name: string;
  readonly error: Error;
  /** Whether the act was done all the same. */
  readonly isDone: boolean;
}

export function createFaults(): Faults {
  let plan: FaultPlan | undefined;
  let count = 0;
  let struck: Struck | undefined;
  return {
    arm(next) {
      plan = next;
      count = 0;
      struck = undefined;
    },
    disarm() {
      plan = undefined;
      return struck;
    },
    async run(call, act) {
      count += 1;
      if (plan === undefined || count !== plan.at) return act();
      const isDone = (call.moment ?? plan.moment) === 'after';
      struck = { name: call.name, error: call.error(plan.code), isDone };
      // What the act itself says is not heard any more.
      if (isDone) await act().catch(() => undefined);
      throw struck.error;
    },
  };
}

const hostError = (name: string) => (code: HostCode) =>
  Object.assign(new Error(`${code}: made by a test, ${name}`), { code });

/** The host's files with `faults`, and how many of them are open. Flushes can fail, but are not made: nothing here cuts the power. */
export function failingFiles(faults: Faults): { readonly files: Files; openCount(): number } {
  let open = 0;
  // Closing frees the descriptor whatever it says, and what was not opened has none.
  const momentOf = (name: string) => (name === 'close' ? 'after' : /^open/.test(name) ? 'before' : undefined);
  const callOf = (name: string): Call => {
    const moment = momentOf(name);
    return { name, error: hostError(name), ...(moment === undefined ? {} : { moment }) };
  };
  const failing = <Given extends unknown[], Result>(name: string, act: (...given: Given) => Promise<Result>) => {
    return (...given: Given) => faults.run(callOf(name), () => act(...given));
  };
  const watched = (file: FileHandle): FileHandle =>
    new Proxy(file, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function' || typeof name !== 'string') return value;
        return failing(name, async (...given: unknown[]) => {
          if (name === 'close') open -= 1;
          return name === 'datasync' || name === 'sync' ? undefined : value.apply(target, given);
        });
      },
    });
  const files: Files = {
    ...nodeFiles,
    open: failing('open', async (...given: Parameters<typeof nodeFiles.open>) => {
      const file = await nodeFiles.open(...given);
      open += 1;
      return watched(file);
    }),
    rename: failing('rename', nodeFiles.rename),
    unlink: failing('unlink', nodeFiles.unlink),
    opendir: failing('opendir', nodeFiles.opendir),
    access: failing('access', nodeFiles.access),
  };
  // Their types have overloads: what is asked for decides what comes back.
  const { mkdir, stat, statfs } = nodeFiles;
  const overloaded: Readonly<Record<string, (...given: never[]) => Promise<unknown>>> = { mkdir, stat, statfs };
  for (const [name, act] of Object.entries(overloaded)) Object.assign(files, { [name]: failing(name, act) });
  return { files, openCount: () => open };
}

/** What the SQLite driver makes of a host's error in a command. */
function commandError(code: HostCode): Error {
  return code === 'ENOSPC'
    ? new StorageError('no-space', 'Writing the metadata failed: made by a test.')
    : new StorageError('unavailable', `Writing the metadata failed: ${code}, made by a test.`);
}

/** `metadata` with `faults` in each read and command. Only a flush that failed leaves it open whether a command was done. */
export function failingMetadata(metadata: MetadataStore, faults: Faults): MetadataStore {
  const wrap = ([name, act]: [string, unknown]) => {
    if (typeof act !== 'function' || name === 'ready' || name === 'close') return [name, act];
    const isRead = /^(find|list|read)/.test(name);
    const call: Call = { name, error: isRead ? hostError(name) : commandError };
    return [name, (...given: unknown[]) => faults.run(call, async () => act(...given))];
  };
  return Object.fromEntries(Object.entries(metadata).map(wrap));
}
