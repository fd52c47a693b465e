import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import type { ComponentType } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { clock } from './format.ts'
import { route } from './route.ts'
import { SignIn } from './signin.tsx'
import { connection, facts, heard, sign_out, token } from './store.ts'
import { set_theme, theme, type Theme } from './theme.ts'
import { Advisor } from './pages/advisor.tsx'
import { Alarms } from './pages/alarms.tsx'
import { Documents } from './pages/documents.tsx'
import { Fleet } from './pages/fleet.tsx'
import { Policies } from './pages/policies.tsx'
import { Privacy } from './pages/privacy.tsx'
import { Ranges } from './pages/ranges.tsx'
import { Refusals } from './pages/refusals.tsx'
import { ResourcePage } from './pages/resource.tsx'
import { Statistics } from './pages/statistics.tsx'
import { World } from './pages/world.tsx'

const pages: Record<string, { title: string; page: ComponentType; badge?: () => number }> = {
  world: { title: 'World', page: World },
  alarms: {
    title: 'Alarms',
    page: Alarms,
    badge: () => facts.alarms.value.filter((one) => one.state === 'alarm').length,
  },
  advisor: {
    title: 'Advisor',
    page: Advisor,
    badge: () => facts.advice.value.filter((one) => one.severity === 'high' && !one.acknowledged).length,
  },
  fleet: { title: 'Fleet', page: Fleet },
  ranges: { title: 'Ranges', page: Ranges },
  statistics: { title: 'Statistics', page: Statistics },
  documents: { title: 'Documents', page: Documents },
  privacy: {
    title: 'Privacy',
    page: Privacy,
    badge: () => facts.requests.value.filter((one) => one.days_left < 0).length,
  },
  policies: { title: 'Policies', page: Policies },
  refusals: { title: 'Refusals', page: Refusals },
}

function Badge({ count }: { count: () => number }) {
  const n = useComputed(count)
  return n.value > 0 ? (
    <span class="badge">
      {n}
      <span class="hidden"> need attention</span>
    </span>
  ) : null
}

function Navigation() {
  return (
    <nav aria-label="Pages">
      <ul>
        {Object.entries(pages).map(([name, { title, badge }]) => (
          <li key={name}>
            <a href={`#/${name}`} aria-current={route.value.page === name ? 'page' : undefined}>
              {title}
              {badge && <Badge count={badge} />}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

// Old facts are still facts, but a person must know that they are old.
const stale_ms = 25_000
function News() {
  const now = useSignal(Date.now())
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  const away = useComputed(() => connection.value !== 'live' || now.value - heard.value > stale_ms)
  return (
    <p class={`news ${away.value ? 'away' : 'live'}`} role="status">
      {away.value
        ? heard.value > 0
          ? `No news since ${clock(heard.value)}`
          : 'The gateway does not answer yet'
        : 'Live'}
    </p>
  )
}

function ThemeSwitch() {
  const next: Record<Theme, Theme> = { auto: 'dark', dark: 'light', light: 'auto' }
  return (
    <button type="button" class="quiet" onClick={() => set_theme(next[theme.value])}>
      {`Colours: ${theme.value}`}
    </button>
  )
}

export function App() {
  const main = useRef<HTMLElement>(null)
  const { page } = route.value
  const first = useRef(true)
  // A new page is read from its top, by eyes and by readers; the first one keeps the browser's own focus.
  useEffect(() => {
    if (!first.current) {
      main.current?.focus()
      scrollTo(0, 0)
    }
    first.current = false
  }, [page])
  useSignalEffect(() => {
    const title = route.value.page === 'resource' ? route.value.query.get('name') : pages[route.value.page]?.title
    const wrong = facts.alarms.value.filter((one) => one.state === 'alarm').length
    document.title = `${wrong > 0 ? `(${wrong}) ` : ''}${token.value ? (title ?? 'Page not found') : 'Sign in'} · Domicile`
  })
  if (!token.value) return <SignIn />
  const Page = page === 'resource' ? ResourcePage : pages[page]?.page
  return (
    <>
      {/* A button and not a link: the hash is taken by the pages. */}
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header>
        <a class="brand" href="#/world">
          <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
            <path d="M16 3 29 14v15H3V14z" class="house" />
            <circle cx="16" cy="18" r="5" class="door" />
          </svg>
          Domicile
        </a>
        <p class="where">
          <strong>{facts.deployment}</strong> <span class="seen">seen from {facts.seen_from}</span>
        </p>
        <News />
        <ThemeSwitch />
        <button type="button" class="quiet" onClick={() => sign_out()} title={facts.you.value.principal}>
          Sign out
        </button>
      </header>
      <Navigation />
      <main ref={main} tabIndex={-1} id="content">
        {Page ? (
          <Page />
        ) : (
          <>
            <h1>Page not found</h1>
            <p>
              There is no page “{page}”. <a href="#/world">Go to World</a>.
            </p>
          </>
        )}
      </main>
    </>
  )
}
