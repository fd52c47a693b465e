// Pictures for the documentation: console/run --shots.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { enter, expect, test } from './base.ts'

const folder = fileURLToPath(new URL('../../../docs/console/', import.meta.url))
test.use({ viewport: { width: 1200, height: 820 }, size: { shards: 8, regions: 5 } })
for (const [name, path, colours] of [
  ['world-light', 'world', 'light'],
  ['world-dark', 'world', 'dark'],
  ['fleet', 'fleet?state=&kind=node', 'light'],
  ['alarms', 'alarms', 'light'],
  ['advisor', 'advisor', 'light'],
] as const)
  test(`picture of ${name}`, async ({ page, simulator }) => {
    mkdirSync(folder, { recursive: true })
    await page.emulateMedia({ colorScheme: colours, reducedMotion: 'reduce' })
    simulator.plant()
    await enter(page, simulator, path)
    await expect(page.getByRole('main').getByText('reader').first()).toBeVisible()
    await page.mouse.move(1190, 810)
    await page.screenshot({ path: `${folder}${name}.png` })
  })
