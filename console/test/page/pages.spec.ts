import { readFileSync } from 'node:fs'
import { accessible, enter, expect, fits, test } from './base.ts'

const all: [string, string][] = [
  ['world', 'What is where'],
  ['alarms', 'What changed'],
  ['advisor', 'The last base backup is old'],
  ['fleet', 'gateway-eu-west-1'],
  ['resource?kind=node&name=eu-1-c&region=eu-central-1', 'History'],
  ['ranges', 'To, exclusive'],
  ['statistics', 'withheld'],
  ['documents', 'eu-tax'],
  ['privacy', '2 days overdue'],
  ['policies', 'Who can do it?'],
  ['refusals', 'pseudonyms'],
]
for (const colours of ['light', 'dark'] as const)
  for (const width of colours === 'light' ? [1280, 360] : [360])
    test(`every page is accessible, ${colours}, ${width} px`, async ({ page, simulator }) => {
      await page.emulateMedia({ colorScheme: colours, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 800 })
      simulator.plant()
      await enter(page, simulator)
      for (const [path, text] of all) {
        await page.goto(`${simulator.url}/console/#/${path}`)
        await expect(page.getByText(text).first()).toBeVisible()
        await fits(page)
        // The same markup in each: what differs is colours, so of the dark ones only these are looked at.
        if (width > 400) await accessible(page)
        else if (colours === 'dark') await accessible(page, ['color-contrast'])
      }
    })

test('World says what is wrong first, what is where, and follows what happens', async ({ page, simulator }) => {
  await enter(page, simulator)
  await expect(page.getByRole('heading', { name: '2 alarms now' })).toBeVisible()
  await expect(page.getByRole('link', { name: /24 nodes in 5 regions/ })).toBeVisible()
  simulator.plant()
  await expect(page.getByRole('heading', { name: '3 alarms now' })).toBeVisible()
  await expect(page.getByRole('listitem').filter({ hasText: 'reader-behind' }).first()).toContainText('docs/fleet.md')
  await expect(page.getByRole('link', { name: /eu-central-1, jurisdiction eu, alarm/ })).toBeVisible()
  await expect(page).toHaveTitle(/^\(3\) World/)
  const row = page.getByRole('region', { name: 'Regions and their figures' }).getByRole('row', { name: /^eu-west-1/ })
  const before = await row.innerText()
  await expect.poll(() => row.innerText()).not.toBe(before)
  simulator.plant(false)
  await expect(page.getByRole('heading', { name: '2 alarms now' })).toBeVisible()
})

test('Fleet: filters stand in the URL, a file has what is seen, and a name leads to its facts', async ({
  page,
  simulator,
}) => {
  await enter(page, simulator, 'fleet')
  await page.getByLabel('Kind').selectOption('node')
  await page.getByLabel('Search').fill('reader uk')
  await expect(page).toHaveURL(/#\/fleet\?kind=node&text=reader\+uk/)
  await expect(page.getByText('6 resources of 69')).toBeVisible()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Save as CSV' }).click()
  const lines = readFileSync((await (await download).path())!, 'utf8')
    .trim()
    .split('\r\n')
  expect(lines.length).toBe(7)
  expect(lines[0]).toMatch(/^kind,name,jurisdiction/)
  await page.reload()
  await expect(page.getByText('6 resources of 69')).toBeVisible()
  await page.getByRole('link', { name: 'uk-1-b' }).click()
  await expect(page.getByRole('heading', { name: /uk-1-b/ })).toBeVisible()
  await expect(page.locator('.uplot canvas')).toHaveCount(2)
  await page.getByRole('radio', { name: '4 weeks' }).check()
  await expect(page.locator('.uplot')).toHaveCount(2)
  await page.goBack()
  await expect(page.getByLabel('Search')).toHaveValue('reader uk')
  await page.getByRole('button', { name: 'Clear' }).click()
  await expect(page.getByText('69 resources')).toBeVisible()
  await page.getByLabel('Search').fill('nothing like this')
  await expect(page.getByText('Nothing matches')).toBeVisible()
})

test('Ranges, Documents and Privacy show what the gateway knows', async ({ page, simulator }) => {
  await enter(page, simulator, 'ranges')
  await expect(page.getByRole('row')).toHaveCount(9)
  await expect(page.locator('rect.range')).toHaveCount(8)
  await page.getByRole('link', { name: 'Documents' }).click()
  await expect(page.getByRole('row', { name: /uk-tax uk uk-1 yes .* 1\s?h 30\s?min/ })).toBeVisible()
  await page.getByRole('link', { name: 'Privacy' }).click()
  const days = await page.getByRole('row').locator('td:first-child').allInnerTexts()
  expect(days[0]).toBe('2 days overdue')
  const left = days.slice(1).map((text) => parseInt(text) || 0)
  expect(left).toEqual([...left].sort((a, b) => a - b))
  await page.getByLabel('Kind').selectOption('access')
  await expect(page.getByRole('row').filter({ hasText: 'erasure' })).toHaveCount(0)
})

test('Statistics: dimensions are chosen, and what is withheld is said', async ({ page, simulator }) => {
  await enter(page, simulator, 'statistics')
  await expect(page.getByRole('row', { name: /MT withheld/ })).toBeVisible()
  await page.getByLabel('month').check()
  await expect(page).toHaveURL(/by=country%2Cmonth/)
  await expect(page.getByRole('row')).toHaveCount(25)
  await page.getByLabel('country').uncheck()
  await expect(page.getByRole('row')).toHaveCount(5)
  await page.getByLabel('From').fill('2026-10-01')
  await expect(page.getByRole('row')).toHaveCount(3)
})

test('Policies: a verdict with reasons, and who can', async ({ page, simulator }) => {
  await enter(page, simulator, 'policies')
  const ask = page.getByRole('region', { name: 'May somebody do something?' })
  await ask.getByLabel('Principal').fill('analyst-abroad')
  await ask.getByLabel('Action').fill('data:Select')
  await ask.getByLabel('Resource').fill('arn:domicile:data::eu:table/users')
  await ask.getByLabel('Context').fill('domicile:From = uk')
  await ask.getByRole('button', { name: 'Simulate' }).click()
  await expect(ask.getByText('Verdict: deny')).toBeVisible()
  await expect(ask.getByRole('row', { name: /yes Deny residency StayHome/ })).toBeVisible()
  const who = page.getByRole('region', { name: 'Who can do it?' })
  await who.getByLabel('Action').fill('privacy:Erase')
  await who.getByLabel('Resource').fill('arn:domicile:data::eu:*')
  await who.getByRole('button', { name: 'Ask' }).click()
  await expect(who.getByRole('row', { name: /auditor allow domicile:Jurisdiction is eu/ })).toBeVisible()
})

test('Alarms: a composite shows its children, silence is posted and shown', async ({ page, simulator }) => {
  simulator.plant()
  await enter(page, simulator, 'alarms')
  const composite = page.getByRole('listitem').filter({ hasText: 'composite' })
  await expect(composite.getByRole('listitem').filter({ hasText: 'reader-behind' })).toContainText('alarm')
  await page.getByRole('button', { name: 'Silence reader-behind …' }).click()
  const form = page.getByRole('form', { name: 'Silence reader-behind' })
  await accessible(page)
  await form.getByLabel('Minutes').fill('30')
  await form.getByLabel('Reason').fill('disk is being replaced')
  await form.getByRole('button', { name: 'Silence' }).click()
  await expect(page.getByText(/silenced until 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC/)).toBeVisible()
  expect(simulator.posted).toEqual([
    {
      alarm: 'reader-behind',
      region: 'eu-central-1',
      resource: 'node/eu-1-c',
      minutes: 30,
      reason: 'disk is being replaced',
    },
  ])
  await expect(page.getByRole('region', { name: 'Transitions of alarms' }).getByRole('row').nth(1)).toContainText(
    'reader-behind',
  )
  await page.getByLabel('State').selectOption('insufficient')
  await expect(page.locator('main ul.cards > li')).toHaveCount(1)
})

test('Advisor: pillars, the command to copy, acknowledging', async ({ page, simulator, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await enter(page, simulator, 'advisor')
  await page.getByRole('button', { name: /residency/ }).click()
  await expect(page.getByText('1 finding', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: /^Copy/ }).click()
  await expect(page.getByText('Copied')).toBeVisible()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('domicile privacy coverage -t domicile.toml')
  await page.getByRole('button', { name: /^Acknowledge/ }).click()
  await page.getByLabel('Reason').fill('table goes next week')
  await page.getByLabel('Until').fill('2027-01-31')
  await page.getByRole('button', { name: 'Acknowledge', exact: true }).click()
  await expect(page.getByText('Nothing to advise about residency')).toBeVisible()
  await page.getByLabel('Show 2 acknowledged').check()
  await expect(page.getByText('until 2027-01-31: table goes next week')).toBeVisible()
})

test.describe(() => {
  test.use({ size: { tick_ms: 100 } })
  test('Refusals: live, paused, filtered', async ({ page, simulator }) => {
    await enter(page, simulator, 'refusals')
    await expect.poll(() => page.getByRole('row').count()).toBeGreaterThan(5)
    await page.getByRole('button', { name: 'Pause' }).click()
    const rows = await page.getByRole('row').count()
    await expect(page.getByRole('button', { name: /Go on \([1-9]\d* waiting\)/ })).toBeVisible()
    expect(await page.getByRole('row').count()).toBe(rows)
    await page.getByRole('button', { name: /Go on/ }).click()
    await expect.poll(() => page.getByRole('row').count()).toBeGreaterThan(rows)
    const rule = (await page.getByRole('row').nth(1).getByRole('rowheader').innerText()).trim()
    await page.getByLabel('Rule').selectOption(rule)
    const shown = await page.getByRole('row').getByRole('rowheader').allInnerTexts()
    expect(new Set(shown)).toEqual(new Set([rule]))
  })
})
