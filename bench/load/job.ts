/** A request for something that is there, and the status that it must be answered with. */
export interface Read {
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  /** `first-last`, as in `Range: bytes=first-last`. */
  readonly range?: string;
}

/** What each client does again and again until the time is over. One round through a list of reads is one step, as is a blob pushed by several requests. */
export type Work =
  | { readonly kind: 'read'; readonly reads: readonly Read[] }
  /** New manifests, each to a new tag, or to `v0000000`, `v0000001` … */
  | { readonly kind: 'put-manifests'; readonly tags: 'any' | 'numbered' }
  /** New manifests that refer to `subject`, without tags. */
  | { readonly kind: 'put-referrers'; readonly subject: Descriptor }
  /** New blobs, in pieces of `chunkBytes` where it is given (PATCH), else whole. */
  | { readonly kind: 'push-blobs'; readonly sizeBytes: number; readonly chunkBytes?: number }
  /** Blobs `0`, `1` … of `sizeBytes`: the same in every job. */
  | { readonly kind: 'push-numbered-blobs'; readonly sizeBytes: number }
  /** The same blobs, mounted into the repository `into`. */
  | { readonly kind: 'mount-numbered-blobs'; readonly sizeBytes: number; readonly into: string }
  /** A list, page by page as the links lead, in which `entries` entries must be. */
  | { readonly kind: 'read-catalog'; readonly path: string; readonly entries: number };

/** What a manifest says about content that it names. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Work for a number of clients, a connection each, all in one process. */
export interface Job {
  readonly host: string;
  readonly port: number;
  readonly authorization?: string | undefined;
  readonly clients: number;
  readonly seconds: number;
  /** Ends sooner than `seconds` after so many steps. */
  readonly maxSteps?: number;
  readonly work: Work;
}

/** What was done: steps and bytes of bodies, in wall time; the client's own CPU time beside it. */
export interface Outcome {
  readonly steps: number;
  readonly bytes: number;
  readonly elapsedSeconds: number;
  readonly clientCpuSeconds: number;
}
