// Small pieces every page is made of.
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import type { AlarmState, Severity, State } from './api.ts'
import { link } from './route.ts'

type Look = State | AlarmState
const words: Record<Look, string> = {
  ok: 'ok',
  warning: 'warning',
  alarm: 'alarm',
  unknown: 'unknown',
  insufficient: 'no data',
}
// Each state has a shape of its own, so that nobody needs the colour.
const shapes: Record<Look, string> = {
  ok: 'M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1M3.4 6.1l1.8 1.8 3.4-3.6',
  warning: 'M6 1 11.5 11H.5z',
  alarm: 'M6 .3 11.7 6 6 11.7.3 6z',
  unknown: 'M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9',
  insufficient: 'M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9',
}
export function Glyph({ state }: { state: Look }) {
  return (
    <svg class={`glyph ${state}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      <path d={shapes[state]} />
    </svg>
  )
}
export function StateMark({ state }: { state: Look }) {
  return (
    <span class={`state ${state}`}>
      <Glyph state={state} />
      {words[state]}
    </span>
  )
}
/** Quiet where nothing is wrong now. */
export function SeverityMark({ severity, quiet }: { severity: Severity; quiet?: boolean }) {
  const bars = { low: 1, medium: 2, high: 3, critical: 4 }[severity]
  return (
    <span class={`severity ${quiet ? 'quiet' : severity}`}>
      <svg viewBox="0 0 16 12" width="16" height="12" aria-hidden="true">
        {[0, 1, 2, 3].map((i) => (
          <rect key={i} x={i * 4} y={8 - i * 2.6} width="3" height={4 + i * 2.6} class={i < bars ? 'full' : 'empty'} />
        ))}
      </svg>
      {severity}
    </span>
  )
}

/** A page of the documentation: a link if the gateway names an address, else its path in the tree. */
export function Runbook({ path }: { path: string }) {
  return /^(https:\/\/|\/)/.test(path) ? (
    <a href={path} target="_blank" rel="noreferrer">
      {path}
    </a>
  ) : (
    <code>{path}</code>
  )
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>
}

/** A table that scrolls sideways by itself when the window is narrow; then it can be reached by keyboard. */
export function Table(props: { label: string; head: ComponentChildren; children: ComponentChildren; class?: string }) {
  return (
    <div class="scroll" role="region" aria-label={props.label} tabIndex={0}>
      <table class={props.class}>
        <thead>
          <tr>{props.head}</tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  )
}

export function Copy({ text }: { text: string }) {
  const said = useSignal('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      said.value = 'Copied'
    } catch {
      // Without TLS a browser has no clipboard for pages.
      said.value = 'Select it by hand'
    }
    setTimeout(() => (said.value = ''), 2_000)
  }
  return (
    <span class="command">
      <code>{text}</code>
      <button type="button" onClick={copy} aria-label={`Copy: ${text}`}>
        Copy
      </button>
      <span role="status">{said}</span>
    </span>
  )
}

export function Choice(props: {
  label: string
  value: string
  options: readonly (string | readonly [string, string])[]
  all?: string
  choose: (value: string) => void
}) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <select value={props.value} onChange={(event) => props.choose(event.currentTarget.value)}>
        {props.all !== undefined && <option value="">{props.all}</option>}
        {props.options.map((one) => {
          const [value, text] = typeof one === 'string' ? [one, one] : one
          return (
            <option key={value} value={value}>
              {text}
            </option>
          )
        })}
      </select>
    </label>
  )
}
export function Field(props: { label: string; hint?: string } & JSX.IntrinsicElements['input']) {
  const { label, hint, ...input } = props
  return (
    <label class="field">
      <span>{label}</span>
      <input {...input} />
      {hint && <small>{hint}</small>}
    </label>
  )
}

/** A horizontal bar out of 100; its number stands beside it, so it is hidden from readers. */
export function Bar({ share, look = '' }: { share: number; look?: string }) {
  return (
    <svg class={`bar ${look}`} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="100" height="8" />
      <rect class="fill" width={Math.max(0, Math.min(100, share * 100))} height="8" />
    </svg>
  )
}

export function resource_link(kind: string, name: string, region: string | null): string {
  return link('resource', { kind, name, region })
}
/** A name that alarms and advice give for a resource, which may be "node/eu-1-a" or the bare name. */
export function same_resource(given: string | null, kind: string, name: string): boolean {
  return given === name || given === `${kind}/${name}`
}
