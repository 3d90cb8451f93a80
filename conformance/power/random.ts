/** Chance that a seed repeats. */
export interface Random {
  /** A whole number from 0 up to, and not including, `end`. */
  below(end: number): number;
  chance(probability: number): boolean;
  /** Undefined where there is nothing to pick from. */
  pick<Item>(items: readonly Item[]): Item | undefined;
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** Mulberry32: 32 bits of state, far more than enough to choose what happens next. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  const below = (end: number) => Math.floor((next() / 2 ** 32) * end);
  return {
    below,
    chance: (probability) => next() / 2 ** 32 < probability,
    pick: (items) => items[below(items.length)],
    bytes(length) {
      const words = new Uint32Array(Math.ceil(length / 4));
      for (let i = 0; i < words.length; i += 1) words[i] = next();
      return new Uint8Array(words.buffer, 0, length);
    },
  };
}
