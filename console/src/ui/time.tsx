// A time as people say it, with the instant in the viewer's zone, and in the store's where that is
// another one, on hover and for screen readers.
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { clock, since, timeOfDay, UNKNOWN } from '../format'
import { useNow } from '../data'

/** The zone of the store that a page is about; empty: of none, or not configured. */
export const Zone = createContext('')

export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow()
  const zone = useContext(Zone)
  if (!at) return <span title="not known">{UNKNOWN}</span>
  const title = zone ? `${clock(at)} here, ${clock(at, zone)} there` : clock(at)
  return (
    <time dateTime={at} title={title}>
      {since(at, now)}
    </time>
  )
}

/** In the store's zone where a page is about one, else in the viewer's. */
export function At({ at }: { at: string | null | undefined }) {
  const zone = useContext(Zone)
  if (!at) return <span title="not known">{UNKNOWN}</span>
  return (
    <time dateTime={at} title={zone ? `${clock(at)} here` : undefined}>
      {clock(at, zone)}
      {zone && <span class="sr">, {clock(at)} here</span>}
    </time>
  )
}

/** What the clock shows there. */
export function LocalTime({ zone }: { zone: string | null | undefined }) {
  const now = useNow()
  if (!zone) return <span title="its zone is not configured">{UNKNOWN}</span>
  return <span title={zone}>{timeOfDay(now, zone)}</span>
}
