const factor = Number(process.env['FUZZ_RUNS'] ?? 1);

/** How many cases a property is tried with: `usual`, or that many times FUZZ_RUNS where it is set, as `FUZZ_RUNS=100` for a long run. */
export const runs = (usual: number): { readonly numRuns: number } => ({ numRuns: usual * factor });

/** How long such a test may take, in ms. */
export const timeoutMs: number = 30_000 * factor;
