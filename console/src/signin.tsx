import { useSignal } from '@preact/signals'
import { refusal, sign_in } from './store.ts'

export function SignIn() {
  const text = useSignal('')
  const busy = useSignal(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    if (!text.value.trim()) return
    busy.value = true
    await sign_in(text.value)
    busy.value = false
  }
  return (
    <main class="signin">
      <h1>Domicile console</h1>
      <p>Paste a token of a principal that may do “ops:Read”. It stays in this tab, and goes when the tab is closed.</p>
      <form onSubmit={submit}>
        <label class="field">
          <span>Bearer token</span>
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={text}
            aria-describedby="refusal"
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        </label>
        <p id="refusal" class="problem" role="alert">
          {refusal}
        </p>
        <button type="submit" class="main" disabled={busy.value}>
          {busy.value ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
      <p class="quiet-text">
        <code>domicile token</code> makes one.
      </p>
    </main>
  )
}
