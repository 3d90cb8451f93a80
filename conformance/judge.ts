import process from 'node:process';

/** Runs the cases of a run one after the other, and counts. */
export interface Judge {
  /** Runs a case and prints how it ended; false: it failed. */
  judge(title: string, run: () => Promise<unknown>): Promise<boolean>;
  /** Prints `N passed, N failed` and sets the exit code; false: a case failed. */
  end(): boolean;
}

/** `explain` is what is printed of an error. Default: its stack. */
export function createJudge(explain: (error: unknown) => unknown = stackOf): Judge {
  let passed = 0;
  let failed = 0;
  return {
    async judge(title, run) {
      const startedMs = performance.now();
      const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s`;
      try {
        await run();
        passed += 1;
        console.log(`ok     ${seconds()}  ${title}`);
        return true;
      } catch (error) {
        failed += 1;
        console.log(`FAILED ${seconds()}  ${title}\n${explain(error)}`);
        return false;
      }
    },
    end() {
      console.log(`${passed} passed, ${failed} failed`);
      process.exitCode = failed === 0 ? 0 : 1;
      return failed === 0;
    },
  };
}

function stackOf(error: unknown): unknown {
  return error instanceof Error ? error.stack : error;
}

/** The words of an error alone. */
export function messageOf(error: unknown): unknown {
  return error instanceof Error ? error.message : error;
}
