// Every test of the page has a simulator of its own, and fails on any console error or violation of the policy.
import { AxeBuilder } from '@axe-core/playwright'
import { test as base, expect, type Page } from '@playwright/test'
import { start } from '../../simulator/server.js'

export type Simulator = Awaited<ReturnType<typeof start>>
export interface Options {
  size: { shards?: number; regions?: number; tick_ms?: number }
  /** What a test provokes, such as a refused connection. */
  expected: RegExp | null
}
export const test = base.extend<Options & { simulator: Simulator; clean: void }>({
  size: [{}, { option: true }],
  expected: [null, { option: true }],
  simulator: async ({ size }, use) => {
    const simulator = await start(size)
    await use(simulator)
    await simulator.close()
  },
  clean: [
    async ({ page, expected }, use) => {
      const bad: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error' && !expected?.test(message.text())) bad.push(message.text())
      })
      page.on('pageerror', (error) => bad.push(error.message))
      page.on('request', (request) => {
        const host = new URL(request.url()).hostname
        if (!request.url().startsWith('blob:') && host !== '127.0.0.1' && !process.env.CONSOLE_URL)
          bad.push(`a request to ${host}`)
      })
      await page.addInitScript(() =>
        document.addEventListener('securitypolicyviolation', (event) =>
          console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
        ),
      )
      await use()
      expect(bad).toEqual([])
    },
    { auto: true },
  ],
})
export { expect }

export async function enter(page: Page, simulator: { url: string; token: string }, to = 'world'): Promise<void> {
  await page.goto(`${simulator.url}/console/#/${to}`)
  await page.getByLabel('Bearer token').fill(simulator.token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByText('Live', { exact: true })).toBeVisible()
}
export async function accessible(page: Page, only: string[] = []): Promise<void> {
  // There are no frames here: the legacy mode needs no second page to bring the answers together.
  const builder = new AxeBuilder({ page }).setLegacyMode(true)
  const { violations } = await (only.length > 0 ? builder.withRules(only) : builder).analyze()
  expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3)}`)).toEqual([])
}
/** No page may be wider than the window; tables and the map scroll by themselves. */
export async function fits(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
}
