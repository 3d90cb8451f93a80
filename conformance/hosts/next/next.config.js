export default {
  distDir: '.cache/next',
  // The registry starts a thread from a file of its own, so it stays a package beside what is bundled.
  serverExternalPackages: ['@moorage/registry'],
  rewrites: async () => [{ source: '/v2/:path*', destination: '/api/v2/:path*' }],
  // Clients ask for `/v2/` and for `…/blobs/uploads/`, and not all follow a redirect.
  skipTrailingSlashRedirect: true,
  // This application lies inside of another project, which Next would take for its own.
  turbopack: { root: import.meta.dirname },
};
