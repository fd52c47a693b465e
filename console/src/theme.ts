import { signal } from '@preact/signals'

export type Theme = 'auto' | 'light' | 'dark'
export const theme = signal<Theme>('auto')
/** Grows when colours change, for what is drawn on a canvas. */
export const ink = signal(0)

export function set_theme(chosen: Theme): void {
  theme.value = chosen
  if (chosen === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
  localStorage.setItem('theme', chosen)
  ink.value++
}
export function start_theme(): void {
  const kept = localStorage.getItem('theme')
  if (kept === 'light' || kept === 'dark') set_theme(kept)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => ink.value++)
}
