/** What can be made: a server's folder, or an application with a registry inside. Each has a folder of its name in templates/. */
export const kinds = ['server', 'express', 'fastify', 'hono', 'next'] as const;

/** One of `kinds`. */
export type Kind = (typeof kinds)[number];

/** The kind of that name; undefined: there is none. */
export function findKind(text: string): Kind | undefined {
  return kinds.find((kind) => kind === text);
}

/** Whether a text is the name of a host with a dot in it. It is written into settings as it is, so that nothing else may pass. */
export function isDomain(text: string): boolean {
  const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
  return text.length <= 253 && new RegExp(`^${label}(?:\\.${label})+$`).test(text);
}
