import { NextResponse } from 'next/server';

/** Stands for what applications do before their pages, such as looking for a session. */
export function proxy() {
  return NextResponse.next();
}

// The registry's paths are left out, as they must be; but not where the host is called localhost, so that the runs see what happens then, too.
export const config = {
  matcher: ['/((?!v2(?:/|$)).*)', { source: '/v2/:path*', has: [{ type: 'host', value: 'localhost' }] }],
};
