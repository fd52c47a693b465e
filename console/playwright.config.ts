import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: 'test/page',
  testMatch: '*.spec.ts',
  // Pictures are made on demand only, since each second of the simulator looks different.
  testIgnore: process.env.CONSOLE_SHOTS ? [] : ['**/shots.spec.ts'],
  outputDir: 'test-results',
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  forbidOnly: true,
  use: {
    viewport: { width: 1280, height: 800 },
    timezoneId: 'UTC',
    locale: 'en-GB',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      // Containers give a small /dev/shm and no user namespaces.
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    },
  },
})
