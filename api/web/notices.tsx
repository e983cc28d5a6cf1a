import { timeOfDay } from './lib/format.ts'
import { useStatus } from './lib/status.ts'
import { Session } from './sign-in.tsx'
import { Ago } from './ui/ui.tsx'

/** What a person should know before all else; nothing most of the time. */
export const Notice = () => {
  const { data, error, status, answeredMs } = useStatus()
  const text =
    status === 401 || status === 403
      ? ''
      : error !== null
        ? `${error}${answeredMs === null ? '' : ` The figures are from ${timeOfDay(answeredMs)}.`}`
        : noticeOf(data)
  return (
    <p id="notice" class="notice" role="status" hidden={text === ''}>
      {text}
    </p>
  )
}

// biome-ignore lint/suspicious/noExplicitAny: what /v1/status answers
const noticeOf = (status: any): string => {
  const programs: { name: string; state: string; warning: string | null; lastError: string | null }[] = status?.up?.programs ?? []
  if (status?.up?.phase === 'stopping') return 'ReadFlow is being stopped.'
  const failing = programs.find(({ state }) => state === 'failed' || state === 'restarting')
  if (failing) return `${failing.name} is ${failing.state}${failing.lastError ? `: ${failing.lastError}` : '.'}`
  // What the gate holds has a place of its own.
  return programs.find(({ name, warning }) => warning && !(status.gate.held && name === 'compact'))?.warning ?? ''
}

/** What holds Gold at its last good version. */
export const Gate = () => {
  const { data } = useStatus()
  const held = data?.gate?.held
  if (!held) return null
  return (
    <section id="gate" class="notice gate" aria-labelledby="gate-title">
      <h2 id="gate-title">Gold is held</h2>
      {/* What is read aloud does not tell how long ago: that changes all the time. */}
      <p id="gate-summary" role="status">
        A check failed: new data stays out of Gold.
        {data.gold
          ? ` All figures of Gold are those of version ${data.gold.version}, the last good one.`
          : ' No Gold was published before it.'}
      </p>
      <p class="muted">
        Since <Ago at={held.since} now={data.now} />.
      </p>
      <ul id="gate-checks">
        {held.checks.map(({ id, message, measured, threshold, sample_keys: keys }: Record<string, string & string[]>) => (
          <li key={id}>
            <strong>{message}</strong>
            <span class="detail">
              {id}: measured {measured ?? 'nothing'}; {threshold}.{keys && keys.length > 0 ? ` Such as ${keys.join(', ')}.` : ''}
            </span>
          </li>
        ))}
      </ul>
      <p id="gate-release">
        {held.is_staged ? 'A build that passes publishes by itself; this one is published anyway by ' : 'These checks are waived by '}
        <code>readflow gate release {held.run} --why "…"</code>
      </p>
    </section>
  )
}

export const Footer = () => {
  const { data } = useStatus()
  const up = data?.up
  const places = up
    ? [
        ['Source', up.source.uri],
        ['Kafka', up.links.brokers],
        ['Registry', up.links.registry],
        ['Lake', up.links.lake],
      ].filter(([, place]) => place)
    : []
  return (
    <footer class="wrap foot">
      <nav aria-label="API">
        <h2>API</h2>
        <ul>
          <li>
            <a href="/docs">/docs</a> every route, and <a href="/v1/openapi.json">OpenAPI</a>
          </li>
          <li>
            <a href="/v1/export">/v1/export</a> this Gold as a DuckDB file
          </li>
          <li>
            <a href="/v1/status">/v1/status</a> how things stand
          </li>
          <li>
            <a href="/metrics">/metrics</a> for Prometheus
          </li>
        </ul>
        <Session />
      </nav>
      {places.length > 0 && (
        <section aria-labelledby="where-title">
          <h2 id="where-title">Where it runs</h2>
          <dl>
            {places.map(([name, place]) => (
              <>
                <dt>{name}</dt>
                <dd>{place}</dd>
              </>
            ))}
          </dl>
        </section>
      )}
    </footer>
  )
}
