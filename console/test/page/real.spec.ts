// A few things that hold for every deployment. Against a real gateway: CONSOLE_URL=https://… CONSOLE_TOKEN=… console/run --real
import { accessible, enter, expect, test } from './base.ts'

const place = (simulator: { url: string; token: string }) =>
  process.env.CONSOLE_URL
    ? { url: process.env.CONSOLE_URL.replace(/\/(console\/?)?$/, ''), token: process.env.CONSOLE_TOKEN ?? '' }
    : simulator

test('each page opens, and finds what it asks for', { tag: '@real' }, async ({ page, simulator }) => {
  await enter(page, place(simulator))
  const links = page.getByRole('navigation').getByRole('link')
  for (let i = 0; i < (await links.count()); i++) {
    await links.nth(i).click()
    await expect(page.getByRole('main').getByRole('heading', { level: 1 })).toHaveCount(1)
    await expect(page.locator('.problem:not(:empty)')).toHaveCount(0)
  }
})
test('the fleet is shown, and one of it has its facts', { tag: '@real' }, async ({ page, simulator }) => {
  await enter(page, place(simulator), 'fleet')
  await page.getByRole('rowheader').getByRole('link').first().click()
  await expect(page.getByRole('definition').first()).not.toBeEmpty()
  await accessible(page)
})
test('the page is served under a strict policy', { tag: '@real' }, async ({ page, simulator }) => {
  const answer = await page.goto(`${place(simulator).url}/console/`)
  const policy = answer!.headers()['content-security-policy'] ?? ''
  for (const part of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ])
    expect(policy).toContain(part)
  expect(policy).not.toContain('unsafe')
})
