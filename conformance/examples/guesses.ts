import { equal } from 'node:assert/strict';
import type { Running } from './scenario.ts';

/** Of a hundred wrong logins in a minute, whoever they name. */
const guessesByAddress = 100;

/** Guesses until the registry hears no more from this address, under another name each time: it does so where its host tells it the addresses of clients, and nowhere else. Nobody can log
 *  in from here for a minute afterwards. */
export async function provokeLimit({ url }: Running): Promise<void> {
  const guess = async (n: number) => {
    const answer = await fetch(`${url}/v2/token`, { headers: { Authorization: `Basic ${btoa(`guest-${n}:wrong`)}` } });
    await answer.arrayBuffer();
    return answer.status;
  };
  for (let n = 1; n <= guessesByAddress; n += 1) equal(await guess(n), 401);
  equal(await guess(guessesByAddress + 1), 429);
}
