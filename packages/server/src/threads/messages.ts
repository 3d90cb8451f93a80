import type { MessagePort } from 'node:worker_threads';
import type { LimitRequest, RegistryRequest, RegistryResponse, RequestReport, TokenServer } from '@moorage/registry';
import type { SharedFiles } from '@moorage/registry/filesystem';
import type { SharedWriter } from '@moorage/registry/sqlite';
import type { Refusal } from '../refusals/refusal.ts';
import type { ListenAddress } from '../setting-types.ts';
import type { Settings } from '../settings.ts';
import type { TlsHello } from '../tls/wrong-scheme.ts';
import type { Place } from './place.ts';

/** What an HTTP thread is made with; its port and the writer's go into the `transferList`. */
export interface ThreadData {
  readonly settings: Settings;
  readonly directory: string;
  readonly tokenServer: TokenServer | undefined;
  readonly version: string;
  readonly place: Place;
  /** Whether the main thread counts requests. */
  readonly isLimited: boolean;
  readonly writer: SharedWriter;
  readonly files: SharedFiles;
  readonly port: MessagePort;
}

/** A request on its way to another thread. */
export type PlainRequest = Pick<RegistryRequest, 'method' | 'target' | 'headers' | 'origin' | 'address'>;

/** An answer on its way back: a stream would be that of another thread. */
export type PlainResponse = Omit<RegistryResponse, 'body'> & {
  readonly body:
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
    | Extract<RegistryResponse['body'], { readonly kind: 'empty' | 'file' }>;
};

/** About a request that one thread hands to another, which tells by the number those of this thread apart. */
export type CallMessage = { readonly call: number } & (
  | { readonly request: PlainRequest }
  | { readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly bodyEnd: true }
  /** The client went away: why, in words. */
  | { readonly gone: string }
);

/** What is said back of it. */
export type AnswerMessage = { readonly answered: number } & (
  | { readonly response: PlainResponse }
  /** So many more chunks of the body may come. */
  | { readonly wanted: number }
);

/** What an HTTP thread tells the main one. */
export type FromThread =
  | CallMessage
  | AnswerMessage
  | { readonly logEntry: string }
  | { readonly refusal: Refusal }
  /** Of a request that asks for a change, without what went wrong. */
  | { readonly report: RequestReport }
  | { readonly question: number; readonly limit: LimitRequest }
  | { readonly tlsHello: TlsHello }
  /** Connections are accepted. */
  | { readonly listening: true }
  /** Nothing is under way that came to this thread. */
  | { readonly drained: true };

/** What the main thread tells an HTTP thread. */
export type ToThread =
  | CallMessage
  | AnswerMessage
  | { readonly question: number; readonly seconds: number | undefined }
  | { readonly question: number; readonly failed: Error }
  | { readonly listen: ListenAddress }
  | { readonly drain: { readonly drainMs: number } }
  | { readonly close: true };
