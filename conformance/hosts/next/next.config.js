import { fileURLToPath } from 'node:url';

export default {
  distDir: '.cache/next',
  // The registry stays a package beside the application: it starts a thread from a file of its own.
  serverExternalPackages: ['@moorage/registry'],
  rewrites: async () => [{ source: '/v2/:path*', destination: '/api/v2/:path*' }],
  // Clients ask for `/v2/` and for `…/blobs/uploads/`, and not all follow a redirect.
  skipTrailingSlashRedirect: true,
  // Where the node_modules lie that hold what the registry depends on.
  turbopack: { root: fileURLToPath(new URL('../../..', import.meta.url)) },
};
