/** A store that was made for one case, empty, and how it is thrown away. */
export interface OpenedStore<Store> {
  readonly store: Store;
  /** Removes what the store left behind; the store itself is closed by then. */
  close(): Promise<void>;
}

/** One promise of an interface, and its proof on a store. */
export interface StoreCase<Store> {
  readonly name: string;
  run(store: Store): Promise<void>;
}

/** A case that any test runner can run. */
export interface ContractCase {
  readonly name: string;
  /** Opens a store of its own; rejects with an `AssertionError` where the promise is broken. */
  run(): Promise<void>;
}

/** The cases, each on a store that `open` gives and that is closed afterwards, whatever came of it. */
export function contractOf<Store extends { close(): Promise<void> }>(
  cases: readonly StoreCase<Store>[],
  open: () => Promise<OpenedStore<Store>>,
): readonly ContractCase[] {
  return cases.map(({ name, run }) => ({
    name,
    async run() {
      const { store, close } = await open();
      try {
        await run(store);
      } finally {
        await store.close();
        await close();
      }
    },
  }));
}
