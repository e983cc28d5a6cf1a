import { type Json, useAnswer } from '../lib/answer.ts'
import { count, figure } from '../lib/format.ts'
import { Ago, State, Table } from '../ui/ui.tsx'

const tones: Record<string, string> = { fail: 'bad', warn: 'behind' }
const MAX_KEYS = 5

/** What the checks of the newest build found: what fails or warns first. */
export const Quality = ({ status: { checks: summary, now } }: { status: Json }) => {
  const answer = useAnswer(summary === null ? null : '/v1/checks', { key: summary?.evaluated_at })
  if (summary === null) {
    return (
      <p id="quality-note" class="muted">
        Nothing is checked yet: checks come with the first build of Gold.
      </p>
    )
  }
  const checks: Json[] = answer.data?.checks ?? []
  const passing = checks.filter(({ verdict }) => verdict === 'pass')
  return (
    <>
      <p id="quality-note" class="muted">
        {count(summary.checks)} checks, {count(summary.warn)} warn, {count(summary.fail)} fail: evaluated{' '}
        <Ago at={summary.evaluated_at} now={now} /> of build{' '}
        <a href={`/v1/runs/${encodeURIComponent(summary.run_id)}`}>{summary.run_id.slice(0, 8)}</a>
        {summary.is_held ? ', which is held.' : '.'}
      </p>
      <State answer={answer} />
      <Checks id="quality-odd" label="Checks that warn or fail" checks={checks.filter(({ verdict }) => verdict !== 'pass')} />
      {passing.length > 0 && (
        <details id="quality-details">
          <summary id="quality-more">{passing.length === 1 ? '1 check passes' : `${count(passing.length)} checks pass`}</summary>
          <Checks id="quality-passing" label="Checks that pass" checks={passing} />
        </details>
      )}
    </>
  )
}

const Checks = ({ id, label, checks }: { id: string; label: string; checks: readonly Json[] }) =>
  checks.length === 0 ? null : (
    <Table id={id} label={label} columns={[{ name: 'Check' }, { name: 'Threshold', kind: 'wide' }, { name: 'Measured', kind: 'num' }]}>
      {checks.map(({ id: check, verdict, message, measured, threshold, sample_keys: keys, history }) => (
        <tr key={check}>
          <th scope="row" class="title">
            {verdict !== 'pass' && <strong class={tones[verdict]}>{verdict}</strong>}{' '}
            <a href={`/v1/checks/${encodeURIComponent(check)}`}>{check}</a>
            <span class="by">
              {message}
              {keys.length > 0 && ` Such as ${keys.slice(0, MAX_KEYS).join(', ')}${keys.length > MAX_KEYS ? ', …' : '.'}`}
            </span>
            <span class="by narrow">Threshold: {threshold}</span>
          </th>
          <td class="wide muted threshold">{threshold}</td>
          <td class={`num ${tones[verdict] ?? ''}`}>
            {figure(measured)}
            <Lately history={history} />
          </td>
        </tr>
      ))}
    </Table>
  )

const [WIDTH, HEIGHT, EDGE] = [96, 24, 4]

/** The last evaluations, oldest first: a line of what was measured, and a mark where one did not pass. */
const Lately = ({ history }: { history: readonly Json[] }) => {
  const past = history.toReversed()
  const values: number[] = past.map(({ measured }) => measured).filter((value) => value !== null)
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const step = past.length > 1 ? (WIDTH - 2 * EDGE) / (past.length - 1) : 0
  const points = past.map(({ measured, verdict, is_held: isHeld }, index) => ({
    ...{ verdict, isHeld, x: EDGE + index * step },
    y: HEIGHT - EDGE - (most > least && measured !== null ? ((measured - least) / (most - least)) * (HEIGHT - 2 * EDGE) : 0),
  }))
  const told = ['pass', 'warn', 'fail']
    .map((verdict) => [past.filter((each) => each.verdict === verdict).length, verdict] as const)
    .filter(([times]) => times !== 0)
    .map(([times, verdict]) => `${times} ${verdict}`)
    .join(', ')
  const range = values.length === 0 ? '' : `; measured ${least === most ? figure(least) : `${figure(least)} to ${figure(most)}`}`
  const label = `Last ${past.length === 1 ? 'evaluation' : `${past.length} evaluations`}: ${told}${range}`
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <title>{label}</title>
      <polyline points={points.map(({ x, y }) => `${x},${y}`).join(' ')} />
      {points.map(({ verdict, isHeld, x, y }, index) => {
        if (verdict === 'pass' && index < points.length - 1) return null
        const tone = isHeld ? `${verdict} held` : verdict
        // A failure is a square, so that colour is not all that tells it.
        return verdict === 'fail' ? (
          <rect key={index} class={tone} x={x - 3} y={y - 3} width="6" height="6" />
        ) : (
          <circle key={index} class={tone} cx={x} cy={y} r="3" />
        )
      })}
    </svg>
  )
}
