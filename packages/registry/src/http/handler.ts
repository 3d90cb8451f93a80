import type { RegistryRequest, RegistryResponse } from './message.ts';

/** What an adapter needs of a registry: adapters know nothing else of it. */
export interface RegistryHandler {
  /** Answers every request, errors included: it never rejects. A body that was not read to its end is the adapter's to drain or cut. */
  handle(request: RegistryRequest): Promise<RegistryResponse>;
  /** Whether a request's path (without query) is the registry's: others go on to the application. */
  owns(path: string): boolean;
}
