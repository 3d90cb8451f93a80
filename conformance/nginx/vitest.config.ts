import { defineConfig } from 'vitest/config';

// What needs nginx and crane, which `npm test` does without.
export default defineConfig({
  resolve: { conditions: ['moorage-source'] },
  ssr: { resolve: { conditions: ['moorage-source'] } },
  test: { include: ['conformance/nginx/*.test.ts'], pool: 'forks' },
});
