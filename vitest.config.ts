import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['moorage-source'] },
  ssr: { resolve: { conditions: ['moorage-source'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'tools/**/*.test.ts',
      'conformance/**/*.test.ts',
    ],
    // Behind a real nginx: tools/test.ts runs these with --only behind-nginx.
    exclude: [...configDefaults.exclude, 'conformance/nginx/**'],
    pool: 'forks',
    // The sources hold no state of their own, so that files can share what they import: a quarter of the time.
    isolate: false,
    testTimeout: 30_000,
  },
});
