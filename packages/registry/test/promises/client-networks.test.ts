import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientNetwork } from '../../src/access/client-network.ts';
import { createOriginReader } from '../../src/adapters/client-origin.ts';
import { runs, timeoutMs } from './runs.ts';

const groups = fc.array(fc.oneof(fc.nat(0xffff), fc.constant(0)), { minLength: 8, maxLength: 8 });

/** An IPv6 address as it may be spelled: in either case, with zeros in front, and with one run of zeros left out. */
function spell(numbers: readonly number[], style: { upper: boolean; padded: boolean; short: boolean }): string {
  const parts = numbers.map((number) => number.toString(16).padStart(style.padded ? 4 : 1, '0'));
  const start = numbers.indexOf(0);
  const rest = numbers.findIndex((number, at) => at > start && number !== 0);
  const end = rest < 0 ? numbers.length : rest;
  const isShort = style.short && start >= 0;
  const text = isShort ? `${parts.slice(0, start).join(':')}::${parts.slice(end).join(':')}` : parts.join(':');
  return style.upper ? text.toUpperCase() : text;
}

const styles = fc.record({ upper: fc.boolean(), padded: fc.boolean(), short: fc.boolean() });

test(
  'an IPv6 client is its first 64 bits, however its address is spelled',
  () => {
    fc.assert(
      fc.property(groups, groups, styles, (one, other, style) => {
        const network = clientNetwork(spell(one, { upper: false, padded: false, short: false }));
        expect(clientNetwork(spell(one, style))).toBe(network);
        const neighbour = [...one.slice(0, 4), ...other.slice(4)];
        expect(clientNetwork(spell(neighbour, style))).toBe(network);
        const isSame = other.slice(0, 4).join() === one.slice(0, 4).join();
        expect(clientNetwork(spell(other, style)) === network).toBe(isSame);
      }),
      runs(300),
    );
  },
  timeoutMs,
);

test(
  'IPv4 clients are told apart, also where a proxy writes them as IPv6',
  () => {
    const read = createOriginReader(['10.0.0.0/8']);
    const throughProxy = (hop: string) => {
      const headers = { host: 'hub.example', 'x-forwarded-for': hop };
      return read({ socket: { remoteAddress: '10.0.0.1' }, headers } as unknown as IncomingMessage).address ?? '';
    };
    const notTrusted = fc.ipV4().filter((ip) => !ip.startsWith('10.'));
    fc.assert(
      fc.property(notTrusted, (ip) => {
        expect(clientNetwork(throughProxy(`::ffff:${ip}`))).toBe(clientNetwork(throughProxy(ip)));
      }),
      runs(100),
    );
  },
  timeoutMs,
);
