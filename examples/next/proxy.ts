import { type NextRequest, NextResponse } from 'next/server';

/** Sends who has no session to the log-in page. */
export function proxy(request: NextRequest): NextResponse {
  return request.cookies.has('session') ? NextResponse.next() : NextResponse.redirect(new URL('/log-in', request.url));
}

// Not for the registry: Next would keep the bodies of pushes in memory for this function, and cut them at 10 MB.
export const config = { matcher: ['/((?!v2(?:/|$)|log-in|_next/).*)'] };
