import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoginDocument } from './identities/login-document.ts';

/** Answers what is not the registry's: `/healthz` (the process answers), `/readyz` (503 where `ready` rejects), `/.well-known/moorage` (where people log in, if not by password alone), and `/`;
 *  404 for all else. */
export function answerOther(
  request: IncomingMessage,
  response: ServerResponse,
  about: { readonly version: string; readonly loginDocument: LoginDocument | undefined; ready(): Promise<void> },
): void {
  const answer = (status: number, line: string, type = 'text/plain; charset=utf-8') => {
    const hasBody = request.headers['content-length'] !== undefined || 'transfer-encoding' in request.headers;
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(line) + 1,
      'Cache-Control': 'no-store',
      // A body that nobody reads would be swallowed without end on a connection that stays.
      ...(hasBody ? { Connection: 'close' } : {}),
    });
    response.end(`${line}\n`);
  };

  const [path] = (request.url ?? '').split('?');
  if (request.method !== 'GET' && request.method !== 'HEAD') answer(404, 'Nothing here. The registry is at /v2/.');
  else if (path === '/') answer(200, `Moorage ${about.version}, an OCI registry. Its API is at /v2/.`);
  else if (path === '/healthz') answer(200, 'ok');
  else if (path === '/readyz') {
    about.ready().then(
      () => answer(200, 'ready'),
      () => answer(503, 'The storage is not available: see the log.'),
    );
  } else if (path === '/.well-known/moorage' && about.loginDocument !== undefined) {
    answer(200, JSON.stringify(about.loginDocument), 'application/json');
  } else answer(404, 'Nothing here. The registry is at /v2/.');
}
