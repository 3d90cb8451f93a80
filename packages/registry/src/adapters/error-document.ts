import type { RegistryResponse } from '../http/message.ts';

/** The answer of an adapter that cannot ask the registry for one: an error document of the specification ("Error Codes"), `UNKNOWN`
 *  where the fault is the server's own (status 500), else `UNSUPPORTED`. */
export function errorAnswer(status: number, message: string): RegistryResponse {
  const code = status >= 500 ? 'UNKNOWN' : 'UNSUPPORTED';
  const bytes = new TextEncoder().encode(JSON.stringify({ errors: [{ code, message }] }));
  return {
    status,
    headers: { 'Content-Type': 'application/json', 'Content-Length': String(bytes.byteLength) },
    body: { kind: 'bytes', bytes },
  };
}

/** The answer when something inside failed. It shows nothing of the inside. */
export function failureAnswer(): RegistryResponse {
  return errorAnswer(500, 'Something went wrong inside the registry.');
}

/** The answer for a path that is not the registry's, where there is no application to ask. */
export function notOursAnswer(): RegistryResponse {
  return errorAnswer(404, 'There is no registry under this path.');
}
