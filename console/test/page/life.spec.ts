import { accessible, enter, expect, test } from './base.ts'

test.describe(() => {
  // Chromium itself writes each failed request to its console.
  test.use({ expected: /ERR_|40[13]/ })
  test('signing in: 401 and 403 are said, the token stays in the tab, signing out forgets it', async ({
    page,
    simulator,
  }) => {
    await page.goto(`${simulator.url}/console/`)
    await accessible(page)
    await page.getByLabel('Bearer token').fill('wrong')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('alert')).toContainText('not accepted')
    simulator.refuse(403)
    await page.getByLabel('Bearer token').fill(simulator.token)
    await page.keyboard.press('Enter')
    await expect(page.getByRole('alert')).toContainText('the action ops:Read is missing')
    simulator.refuse(0)
    await page.keyboard.press('Enter')
    await expect(page.getByText('Live', { exact: true })).toBeVisible()
    await page.reload()
    await expect(page.getByText('Live', { exact: true })).toBeVisible()
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(simulator.token)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect(page.getByLabel('Bearer token')).toBeVisible()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
  })
  test('a gateway that is away: old facts stay, it is said since when, and it comes back', async ({
    page,
    simulator,
  }) => {
    await enter(page, simulator)
    simulator.silence(true)
    await expect(page.getByText(/^No news since \d\d:\d\d:\d\d$/)).toBeVisible()
    await page.getByRole('link', { name: 'Fleet' }).click()
    await expect(page.getByRole('link', { name: 'gateway-eu-west-1' })).toBeVisible()
    simulator.silence(false)
    await expect(page.getByText('Live', { exact: true })).toBeVisible()
  })
  test('a token that expires meanwhile leads back to signing in', async ({ page, simulator }) => {
    await enter(page, simulator)
    simulator.refuse(401)
    simulator.silence(true)
    simulator.silence(false)
    await expect(page.getByRole('alert')).toContainText('Sign in with a new one')
  })
})

test('by keyboard alone: skip link, navigation, a region on the map', async ({ page, simulator }) => {
  await enter(page, simulator)
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  await page.keyboard.press('Tab')
  await expect(page.getByRole('button', { name: 'Skip to content' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('main')).toBeFocused()
  const alarms = page.getByRole('navigation').getByRole('link', { name: /Alarms/ })
  await alarms.focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Alarms', exact: true })).toBeVisible()
  await expect(page.getByRole('main')).toBeFocused()
  await page.goBack()
  await page.getByRole('link', { name: /eu-west-2, jurisdiction uk/ }).focus()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/#\/fleet\?region=eu-west-2/)
})

test('colours follow the system, and the switch', async ({ page, simulator }) => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  await page.emulateMedia({ colorScheme: 'light' })
  await enter(page, simulator)
  const light = await paper()
  await page.emulateMedia({ colorScheme: 'dark' })
  const dark = await paper()
  expect(dark).not.toBe(light)
  await page.getByRole('button', { name: /Colours/ }).click()
  await page.getByRole('button', { name: /Colours/ }).click()
  await expect(page.getByRole('button', { name: 'Colours: light' })).toBeVisible()
  expect(await paper()).toBe(light)
  await page.reload()
  expect(await paper()).toBe(light)
})

test('a page that is not there says so', async ({ page, simulator }) => {
  await enter(page, simulator, 'nowhere')
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible()
})

test('what the policy forbids is found by these tests', async ({ page, simulator }) => {
  test.fail()
  await enter(page, simulator)
  await page.evaluate(() => document.body.setAttribute('style', 'color: red'))
})
