/** One thread among all that answer requests. */
export interface Place {
  /** The main thread is 0. */
  readonly index: number;
  readonly count: number;
}

/** An id has one digit for the thread that made it. */
export const mostThreads = 16;
