import { defineConfig } from 'vitest/config'

// The reader's test starts a process per file; on a loaded machine the default five seconds are too few.
export default defineConfig({
  test: { include: ['test/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000, maxWorkers: 2 },
})
