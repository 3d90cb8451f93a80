/** A blob of content that is about to be pushed. */
export interface ContentBlob {
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly mediaType: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The bytes from `offset` on, 0 unless it is given. May be called again, each time from the start of a fresh reading. */
  open(offset?: number): AsyncIterable<Uint8Array>;
}

/** A manifest with the blobs that it names. */
export interface Content {
  readonly manifest: Uint8Array;
  /** Of the manifest. */
  readonly mediaType: string;
  readonly blobs: readonly ContentBlob[];
  /** Removes what was made for a while, such as temporary files. */
  close(): Promise<void>;
}
