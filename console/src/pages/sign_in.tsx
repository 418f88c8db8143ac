// Signing in: a token is tried, and kept in this tab only.
import { useState } from 'preact/hooks'
import { Problem, send } from '../client'
import { ended, signIn, type Me } from '../session'

async function whoIs(token: string): Promise<Me> {
  const answer = await send('/v1/me', { token })
  return (await answer.json()) as Me
}

function wordsFor(error: unknown): string {
  if (error instanceof Problem && error.status === 401) {
    return 'The hub does not know this token. Was it copied whole? Was it revoked?'
  }
  return error instanceof Error ? error.message : String(error)
}

export function SignIn() {
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    const token = text.trim()
    if (token === '' || busy) return
    setBusy(true)
    setWrong(null)
    try {
      signIn(token, await whoIs(token))
    } catch (error) {
      setWrong(wordsFor(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <main class="sign-in">
      <h1>Onhand</h1>
      {ended.value && <p class="notice warn">{ended.value}</p>}
      <form onSubmit={(event) => void submit(event)}>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autoComplete="off"
          spellcheck={false}
          value={text}
          aria-describedby="token-help"
          aria-invalid={wrong !== null}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <p id="token-help" class="quiet">
          The first one is in <code>admin.token</code> of the hub's data directory; others are made
          by <code>onhand token create</code>. It is kept in this tab only.
        </p>
        {wrong && (
          <p class="notice bad" role="alert">
            {wrong}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy || text.trim() === ''}>
          Sign in
        </button>
      </form>
    </main>
  )
}
