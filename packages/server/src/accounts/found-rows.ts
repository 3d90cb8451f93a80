/** Reads a row. */
export type Find<Row> = (sql: string, ...values: readonly (string | number)[]) => Row | undefined;

/** Reads that remember. */
export interface FoundRows<Row> {
  readonly find: Find<Row>;
  /** This connection has changed something, which its own version does not tell. */
  forget(): void;
}

const maximumRows = 1_000;

/** Keeps the rows that `find` found while nobody changes the database: a token's bearer is looked up at each request (bench rows with `--tokens`).
 *
 *  What makes a row valid: `version` is what it was, which changes with each commit of another connection in any process (`PRAGMA data_version`) and is asked once in each turn of the event loop, and nothing was changed by this connection
 *  since. So a change by another process is missed only by requests that were taken up in the turn in which it was made. */
export function rememberFound<Row>(find: Find<Row>, version: () => unknown): FoundRows<Row> {
  const rows = new Map<string, { readonly row: Row | undefined }>();
  let known: unknown;
  let isFresh = false;
  const endTurn = (): void => {
    isFresh = false;
  };

  function refresh(): void {
    isFresh = true;
    setImmediate(endTurn);
    const current = version();
    if (current !== known || rows.size >= maximumRows) rows.clear();
    known = current;
  }

  return {
    find(sql, ...values) {
      if (!isFresh) refresh();
      const key = JSON.stringify([sql, ...values]);
      const kept = rows.get(key);
      if (kept !== undefined) return kept.row;
      const row = find(sql, ...values);
      rows.set(key, { row });
      return row;
    },
    forget: () => rows.clear(),
  };
}
