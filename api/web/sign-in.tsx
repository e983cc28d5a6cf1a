import { useState } from 'preact/hooks'
import { type Answer, ask, useAnswer } from './lib/answer.ts'

const json = { 'content-type': 'application/json' }

/** Where the server asks for a key, or the one that is had may read nothing. */
export const SignIn = ({ status }: { status: Pick<Answer, 'status' | 'error'> }) => {
  const [error, setError] = useState('')
  const signIn = async (event: SubmitEvent) => {
    event.preventDefault()
    const key = String(new FormData(event.target as HTMLFormElement).get('key')).trim()
    await ask('/v1/session', { method: 'POST', headers: json, body: JSON.stringify({ key }) }).then(
      () => location.reload(),
      (failure: Error) => setError(failure.message),
    )
  }
  return (
    <form class="panel" aria-labelledby="sign-in-title" onSubmit={signIn}>
      <h2 id="sign-in-title">{status.status === 403 ? 'This page needs another key' : 'This server asks for a key'}</h2>
      {status.status === 403 && <p class="state-error">{status.error}</p>}
      <p class="muted">
        Whoever runs it makes one with <code>readflow keys add --name NAME --scopes read,sql,write</code>. The pages need read, SQL needs
        sql; write is for adding shelves and for trying runs again.
      </p>
      <p class="choice">
        <label for="key">Key</label> <input id="key" name="key" type="password" autocomplete="current-password" required />
        <button type="submit">Sign in</button>
      </p>
      <p id="sign-in-error" role="status" class="state-error">
        {error}
      </p>
    </form>
  )
}

/** With which key the page is signed in, and the way to another one; nothing where none is asked for. */
export const Session = () => {
  const { data } = useAnswer('/v1/session')
  const [error, setError] = useState('')
  if (!data?.signed_in) return null
  const leave = () =>
    ask('/v1/session', { method: 'DELETE' }).then(
      () => location.reload(),
      (failure: Error) => setError(failure.message),
    )
  return (
    <>
      <p id="session" class="choice">
        <span>
          Signed in with the key <bdi>{data.key.name}</bdi>, for {data.key.scopes.join(', ')}
        </span>
        <button type="button" onClick={leave}>
          Use another key
        </button>
      </p>
      {error !== '' && (
        <p role="status" class="state-error">
          {error}
        </p>
      )}
    </>
  )
}
