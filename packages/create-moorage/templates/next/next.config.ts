import type { NextConfig } from 'next';

export default {
  // The registry starts a thread from a file of its own, so it stays a package beside what Next bundles.
  serverExternalPackages: ['@moorage/registry'],
  // Clients ask for /v2/…, and only below pages/api does Next hand out requests as they came.
  rewrites: async () => [{ source: '/v2/:path*', destination: '/api/v2/:path*' }],
  // Clients ask for `/v2/` and for `…/blobs/uploads/`, and not all follow a redirect.
  skipTrailingSlashRedirect: true,
} satisfies NextConfig;
