import { Link } from 'wouter-preact'
import { ago } from './lib/format.ts'
import { useStatus } from './lib/status.ts'
import { Time } from './ui/ui.tsx'

/** Name, where one is, and whether what is shown is live. */
export const Header = ({ pages, current }: { pages: readonly { path: string; name: string }[]; current: string }) => {
  const { data, error, status } = useStatus()
  const state = status === 401 || status === 403 ? 'waiting' : error !== null ? 'lost' : data ? 'live' : 'waiting'
  return (
    <header class="top">
      <div class="wrap top-row">
        <h1>
          <img src="/assets/icon.svg" alt="" width="32" height="32" />
          ReadFlow
        </h1>
        {data?.up?.source.isGenerated && (
          <span id="generated" class="badge">
            Generated data
          </span>
        )}
        <p id="live" class="live" data-state={state}>
          <span class="dot" aria-hidden="true" />
          <span id="live-text">
            <Live />
          </span>
        </p>
        <nav class="pages" aria-label="Pages">
          {pages.map(({ path, name }) => (
            <Link key={path} href={path} aria-current={path === current ? 'page' : undefined}>
              {name}
            </Link>
          ))}
        </nav>
      </div>
    </header>
  )
}

const Live = () => {
  const { data, error, status } = useStatus()
  if (status === 401) return <>Not signed in</>
  if (status === 403) return <>Signed in, but not to read</>
  if (error !== null) return <>Not connected</>
  if (!data) return <>Connecting…</>
  const { gold, now, up } = data
  if (!gold) return <>{up?.phase === 'setting-up' ? 'Connected, setting up' : 'Connected, no Gold yet'}</>
  const seconds = (at: string) => Math.max(0, (Date.parse(now) - Date.parse(at)) / 1000)
  return (
    <>
      Gold version {gold.version}, published <Time at={gold.published_at}>{ago(seconds(gold.published_at))}</Time>
      {gold.complete_through && (
        <span class="wide">
          , complete to <Time at={gold.complete_through}>{ago(seconds(gold.complete_through))}</Time>
        </span>
      )}
    </>
  )
}
