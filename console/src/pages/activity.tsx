// Activity: the live stream, filtered; it can be stopped to read, and goes on without a gap.
import { useEffect, useRef, useState } from 'preact/hooks'
import { listen } from '../live'
import { count, quantity } from '../format'
import { href } from '../router'
import type { CloudEvent } from '../types'
import { Empty } from '../ui/states'
import { Table, type Column } from '../ui/table'
import { At } from '../ui/time'

const KEPT = 5000

interface Line {
  number: number
  event: CloudEvent
}

const KINDS = ['all', 'changes', 'notices'] as const
type Kind = (typeof KINDS)[number]

function matches(event: CloudEvent, kind: Kind, text: string): boolean {
  const change = event.type === 'onhand.inventory.changed'
  if (kind === 'changes' && !change) return false
  if (kind === 'notices' && change) return false
  if (text === '') return true
  const wanted = text.toLowerCase()
  return (
    (event.subject ?? '').toLowerCase().includes(wanted) || event.type.toLowerCase().includes(wanted)
  )
}

function subject(event: CloudEvent) {
  const { location, sku } = event.data as { location?: string; sku?: string }
  if (location && sku) return <a href={href('inventory', [location, sku])}>{`${sku} at ${location}`}</a>
  if (event.type.startsWith('onhand.reset.') && event.subject) {
    return <a href={href('resets', [event.subject])}>{event.subject}</a>
  }
  return event.subject ?? ''
}

function words(event: CloudEvent): string {
  const data = event.data as { on_hand?: number; reserved?: number; detail?: string; error?: string }
  if (data.on_hand !== undefined) {
    return `on hand ${quantity(data.on_hand)}${data.reserved ? `, reserved ${quantity(data.reserved)}` : ''}`
  }
  return data.detail ?? data.error ?? ''
}

const columns: Column<Line>[] = [
  { title: 'When', render: (l) => <At at={l.event.time} /> },
  { title: 'What', render: (l) => l.event.type.replace(/^onhand\./, '').replace(/[._]/g, ' ') },
  { title: 'Where', render: (l) => subject(l.event) },
  { title: 'Then', render: (l) => words(l.event) },
]

export function ActivityPage() {
  const [kind, setKind] = useState<Kind>('all')
  const [text, setText] = useState('')
  const [paused, setPaused] = useState(false)
  const [lines, setLines] = useState<Line[]>([])
  const waiting = useRef<Line[]>([])
  const next = useRef(0)
  const held = useRef(false)
  held.current = paused
  useEffect(
    () =>
      listen((events) => {
        for (const event of events) waiting.current.push({ number: next.current++, event })
        if (waiting.current.length > KEPT) waiting.current = waiting.current.slice(-KEPT)
        if (held.current) return
        const fresh = waiting.current
        waiting.current = []
        setLines((old) => [...fresh.reverse(), ...old].slice(0, KEPT))
      }),
    [],
  )
  const shown = lines.filter((line) => matches(line.event, kind, text))
  return (
    <>
      <h1>Activity</h1>
      <div class="toolbar start">
        <label>
          Show
          <select value={kind} onChange={(e) => setKind(e.currentTarget.value as Kind)}>
            {KINDS.map((k) => (
              <option key={k}>{k}</option>
            ))}
          </select>
        </label>
        <label class="search">
          Store, SKU or kind
          <input
            type="search"
            value={text}
            spellcheck={false}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {paused ? 'Go on' : 'Hold still'}
        </button>
      </div>
      <section class="card" aria-label="Events">
        {shown.length === 0 ? (
          <Empty title={lines.length === 0 ? 'Nothing yet since this page was opened.' : 'None of it matches.'}>
            <p>Sales, returns, resets and alarms stand here the moment they are on disk.</p>
          </Empty>
        ) : (
          <>
            <p class="quiet">
              The last {count(shown.length)}
              {lines.length !== shown.length && ` of ${count(lines.length)}`}, newest first
            </p>
            <Table rows={shown} columns={columns} label="Events" keyOf={(l) => String(l.number)} />
          </>
        )}
      </section>
    </>
  )
}
