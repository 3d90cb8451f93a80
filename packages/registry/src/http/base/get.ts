import type { Endpoint } from '../endpoint.ts';
import { json } from '../headers.ts';

/** end-1. Tells a client that this is a registry. */
export const getBase: Endpoint = async () => json(200, {});
