import type { Change, Refusal, RegistryEvent, Usage } from '@moorage/registry';
import type { Customer } from './customers.ts';
import { inWords } from './words.ts';

/** What limits need to know. */
export interface LimitNeeds {
  customerOf(repository: string): Customer | undefined;
  usageOf(customer: string): Promise<Usage>;
  /** Where a customer gets more. */
  readonly url: string;
}

/** Keeps customers within their plans. */
export interface Limits {
  /** Asked before each change: what it refuses with is what docker shows. */
  check(change: Change): Promise<Refusal | undefined>;
  hear(event: RegistryEvent): void;
}

/** What is known of a customer's bytes. */
interface Account {
  /** What the registry held when it was asked, and what came since. */
  heldBytes: number;
  readAtMs: number;
  /** Content that was let in and is not there yet, by its digest. */
  readonly letIn: Map<string, { readonly sizeBytes: number; readonly atMs: number }>;
}

/** How long a sum is relied on: to sum up reads a row for each blob. */
const rememberMs = 10_000;
/** What was let in and did not come by then was given up. */
const givenUpMs = 60_000;

/** Invariant: of pushes at the same time, each is measured with what was let in before it. What is let in counts at once, and moves over to what is held by the event that tells that it is there. */
export function createLimits({ customerOf, usageOf, url }: LimitNeeds): Limits {
  const accounts = new Map<string, Account>();

  function accountOf(customer: string): Account {
    const known = accounts.get(customer);
    if (known !== undefined) return known;
    const account = { heldBytes: 0, readAtMs: 0, letIn: new Map() };
    accounts.set(customer, account);
    return account;
  }

  async function read(customer: string): Promise<void> {
    const { uniqueBytes, sharedBytes } = await usageOf(customer);
    const account = accountOf(customer);
    account.heldBytes = uniqueBytes + sharedBytes;
    account.readAtMs = Date.now();
  }

  return {
    async check(change) {
      const wanted = wantedBy(change);
      if (wanted === undefined) return undefined;
      const customer = customerOf(change.repository);
      if (customer === undefined) return { refuse: 'There is no such customer any more.' };
      const { name, plan, limitBytes } = customer;
      const account = accountOf(name);
      const isRead = Date.now() - account.readAtMs < rememberMs;
      if (isRead && letIn(account, wanted, limitBytes)) return undefined;
      // Before a refusal it looks again: something may have been removed, or was there already when it was pushed.
      await read(name);
      if (letIn(account, wanted, limitBytes)) return undefined;
      const room = `The plan ${plan} of ${name} has room for ${inWords(limitBytes)}, and ${inWords(usedBytes(account))} are used`;
      const more = wanted.digest === undefined ? 'nothing more fits' : `${inWords(wanted.sizeBytes)} more do not fit`;
      return { refuse: `${room}: ${more}. Remove something or take a larger plan: ${url}` };
    },
    hear(event) {
      if (event.type !== 'blob-pushed' && event.type !== 'manifest-pushed') return;
      const account = accounts.get(customerOf(event.repository)?.name ?? '');
      if (account?.letIn.delete(event.digest)) account.heldBytes += event.sizeBytes;
    },
  };
}

type Wanted = { readonly digest: string | undefined; readonly sizeBytes: number };

/** What a change may add; undefined: nothing. An upload that begins has no size yet, and is refused where not even a byte fits. */
function wantedBy(change: Change): Wanted | undefined {
  switch (change.type) {
    case 'upload':
      return { digest: undefined, sizeBytes: 1 };
    case 'blob-push':
    case 'manifest-push':
      return change;
    default:
      return undefined;
  }
}

/** Decides and counts in one step: nothing comes between. */
function letIn(account: Account, { digest, sizeBytes }: Wanted, limitBytes: number): boolean {
  if (usedBytes(account) + sizeBytes > limitBytes) return false;
  if (digest !== undefined) account.letIn.set(digest, { sizeBytes, atMs: Date.now() });
  return true;
}

function usedBytes({ heldBytes, letIn }: Account): number {
  let bytes = heldBytes;
  for (const [digest, { sizeBytes, atMs }] of letIn) {
    if (Date.now() - atMs > givenUpMs) letIn.delete(digest);
    else bytes += sizeBytes;
  }
  return bytes;
}
