import { defineConfig } from 'vitest/config';

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
    pool: 'forks',
    testTimeout: 30_000,
  },
});
