import { type Ask, askServer } from './ask.ts';
import { type Client, createClient, type World } from './client.ts';
import { createLedger } from './ledger.ts';
import type { Random } from './random.ts';

const clientCount = 4;

/** Clients of a registry that is not there yet. */
export function createWorld(random: Random): { readonly world: World; readonly clients: readonly Client[] } {
  const notYet: Ask = () => Promise.reject(new Error('No server was started.'));
  const world: World = { ledger: createLedger(), uploads: [], ask: notYet, resumed: 0 };
  const clients = Array.from({ length: clientCount }, (_, i) => createClient(`client${i}`, world, random));
  return { world, clients };
}

/** Points the clients to a server that was started anew; they ask what became of what was not answered. */
export async function reconnect({ world, clients }: ReturnType<typeof createWorld>, url: string): Promise<void> {
  world.ask = askServer(url);
  for (const client of clients) await client.settle();
}
