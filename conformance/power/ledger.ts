/** A thing of which a registry has a state. A session's name is its URL. */
export interface Cell {
  readonly kind: 'blob' | 'manifest' | 'tag' | 'session';
  readonly repository: string;
  readonly name: string;
}

/** What a cell holds: of a tag the digest that it points to. */
export type State = 'absent' | 'present' | `sha256:${string}`;

/** In the place of a request's id: no answer promised the state, but a client saw it after a restart. */
export const seen = 'seen';

/** A state that was asked for. `promisedBy`: the request whose answer said that it holds; undefined while there is no answer, and for ever where none came. */
export interface Fact {
  readonly state: State;
  promisedBy: string | undefined;
}

/** What clients asked of a registry, and what they were promised. A cell belongs to one client, which asks for one state after the other; cells that many ask for only
 *  ever become present. */
export interface Ledger {
  /** Notes that states are asked for; the facts are the caller's to promise. */
  ask(wanted: readonly (readonly [Cell, State])[]): readonly Fact[];
  /** The state that was asked for last. */
  last(cell: Cell): State;
  cells(): readonly Cell[];
  /** The states that a cell may have when the promises are those for which `holds` is true. */
  allowed(cell: Cell, holds: (fact: Fact) => boolean): ReadonlySet<State>;
}

export function createLedger(): Ledger {
  const facts = new Map<string, { readonly cell: Cell; readonly facts: Fact[] }>();
  const keyOf = ({ kind, repository, name }: Cell) => `${kind} ${repository} ${name}`;
  const factsOf = (cell: Cell) => facts.get(keyOf(cell))?.facts ?? [];
  return {
    ask: (wanted) =>
      wanted.map(([cell, state]) => {
        const fact: Fact = { state, promisedBy: undefined };
        const entry = facts.get(keyOf(cell)) ?? { cell, facts: [] };
        entry.facts.push(fact);
        facts.set(keyOf(cell), entry);
        return fact;
      }),
    last: (cell) => factsOf(cell).at(-1)?.state ?? 'absent',
    cells: () => [...facts.values()].map(({ cell }) => cell),
    allowed(cell, holds) {
      const all = factsOf(cell);
      const base = all.findLastIndex(holds);
      const states = new Set<State>([all[base]?.state ?? 'absent']);
      // Of what came later one may have been under way. What nobody answered may have been done as well, and then the next was asked for.
      for (const fact of all.slice(base + 1)) {
        states.add(fact.state);
        if (fact.promisedBy !== undefined && fact.promisedBy !== seen) break;
      }
      return states;
    },
  };
}
