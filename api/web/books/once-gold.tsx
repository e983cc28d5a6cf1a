import type { ComponentChildren } from 'preact'
import { Link } from 'wouter-preact'
import { useStatus } from '../lib/status.ts'
import { Setup } from '../pipeline/holds.tsx'
import { Panel, State } from '../ui/ui.tsx'

/** What is made of Gold, once there is one; until then nothing is asked of it, and the page says how far things are. */
export const OnceGold = ({ title, children }: { title: string; children: ComponentChildren }) => {
  const status = useStatus()
  if (status.data?.gold) return <>{children}</>
  if (!status.data) return <State answer={status} />
  return (
    <>
      <Setup status={status.data} />
      <Panel id="no-gold" title={title} note="No Gold is published yet: what readers rate shows here by itself once the first one is.">
        <p>
          <Link href="/pipeline">Pipeline</Link> shows what came so far.
        </p>
      </Panel>
    </>
  )
}
