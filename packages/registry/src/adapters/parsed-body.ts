import type { NodeRequest } from './request-target.ts';

/** The bytes of a body that a parser in front of the registry has read: what a raw parser kept as it came, a form written anew. Undefined for what cannot be had
 *  back: JSON that was parsed has lost its bytes, and with them its digest. */
export function parsedBody({ body, headers }: NodeRequest): Uint8Array | undefined {
  if (body instanceof Uint8Array) return body;
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  return type.trim().toLowerCase() === 'application/x-www-form-urlencoded' ? formOf(body) : undefined;
}

function formOf(body: unknown): Uint8Array | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one !== 'string') return undefined;
      form.append(name, one);
    }
  }
  return new TextEncoder().encode(form.toString());
}
