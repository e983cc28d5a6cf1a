import type { ComponentChildren, ComponentType } from 'preact'
import { useEffect, useErrorBoundary, useState } from 'preact/hooks'
import { ask } from '../lib/answer.ts'

/** What stands in the place of a page that can't be shown. */
const Broken = ({ children, retry }: { children: ComponentChildren; retry: () => void }) => (
  <section class="panel" role="alert" aria-labelledby="broken-title">
    <h2 id="broken-title">This page can't be shown</h2>
    <p class="state-error">{children}</p>
    <p class="choice">
      <button type="button" onClick={retry}>
        Try again
      </button>
    </p>
  </section>
)

/** Keeps a fault of a page to itself: the others can still be gone to. With another `key` it begins anew. */
export const Boundary = ({ children }: { children: ComponentChildren }) => {
  const [error, reset] = useErrorBoundary()
  return error ? <Broken retry={reset}>{String((error as Error).message ?? error)}</Broken> : children
}

/** A page whose code comes when it is first shown; where it does not come, the page says so. */
export const latePage = (load: () => Promise<{ default: ComponentType }>) => {
  let loaded: ComponentType | undefined
  return () => {
    const [Page, setPage] = useState<ComponentType | undefined>(() => loaded)
    const [error, setError] = useState('')
    useEffect(() => {
      if (loaded) return
      load().then(
        (module) => {
          loaded = module.default
          setPage(() => loaded)
        },
        () => setError('Its code did not come: the server does not answer, or has another version of the page by now.'),
      )
    }, [])
    // Anew as a whole: browsers may remember that a part did not come, and a newer version has other parts.
    const retry = () =>
      ask('/healthz').then(
        () => location.reload(),
        (failure: Error) => setError(failure.message),
      )
    if (Page) return <Page />
    return error === '' ? <p class="muted">Loading…</p> : <Broken retry={retry}>{error}</Broken>
  }
}
