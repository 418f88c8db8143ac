// A time as people say it, with the instant in the viewer's zone, and in the store's where that is
// another one, on hover and for screen readers.
import { clock, since, timeOfDay, UNKNOWN } from '../format'
import { useNow } from '../data'

export function Ago({ at, zone }: { at: string | null | undefined; zone?: string }) {
  const now = useNow()
  if (!at) return <span title="not known">{UNKNOWN}</span>
  const title = zone ? `${clock(at)} here, ${clock(at, zone)} there` : clock(at)
  return (
    <time dateTime={at} title={title}>
      {since(at, now)}
    </time>
  )
}

export function At({ at, zone }: { at: string | null | undefined; zone?: string }) {
  if (!at) return <span title="not known">{UNKNOWN}</span>
  return (
    <time dateTime={at} title={zone ? `${clock(at)} here` : undefined}>
      {clock(at, zone)}
    </time>
  )
}

/** What the clock shows there. */
export function LocalTime({ zone }: { zone: string | null | undefined }) {
  const now = useNow(5000)
  if (!zone) return <span title="its zone is not configured">{UNKNOWN}</span>
  return <span title={zone}>{timeOfDay(now, zone)}</span>
}
