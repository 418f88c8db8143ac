// Why is this number 7? One cell as a waterfall: what the newest statement said, each event it does not
// cover, what is reserved and kept back, what each channel was told. And how it came to be: its ledger,
// and what stood at any instant, as known now or as known then.
import { useEffect, useState } from 'preact/hooks'
import { get, segment, send } from '../client'
import { useLoaded } from '../data'
import { clock, count, quantity, signed, UNKNOWN } from '../format'
import { listen } from '../live'
import { href, place, requery } from '../router'
import { canAdjust } from '../session'
import type { Cell, Entry, ExplainedChannel, Explanation, Location, Page } from '../types'
import { Badge } from '../ui/badge'
import { attempt, confirm } from '../ui/confirm'
import { Empty, Whatever } from '../ui/states'
import { Table, type Column } from '../ui/table'
import { Ago, At, LocalTime, Zone } from '../ui/time'
import { stepsOf, Waterfall } from '../ui/waterfall'

const HISTORY_PAGE = 500
const RELOAD_AFTER_MS = 300
const SLIDER_STEPS = 1000

const cellPath = (location: string, sku: string): string =>
  `/v1/inventory/${segment(location)}/${segment(sku)}`

export function ExplainPage() {
  const [location = '', sku = ''] = place.value.rest
  const at = place.value.query.get('at') ?? ''
  const locations = useLoaded<Page<Location>>('/v1/locations', { limit: 10_000 })
  const store = locations.data?.items.find((known) => known.location === location)
  const explanation = useLoaded<Explanation>(`${cellPath(location, sku)}/explain`)
  const history = useLoaded<Page<Entry>>(`${cellPath(location, sku)}/history`, {
    limit: HISTORY_PAGE,
  })
  // When the cell moves, what explains it has changed, too.
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const stop = listen((events) => {
      if (timer !== undefined) return
      if (events.some((e) => e.data?.['sku'] === sku && e.data?.['location'] === location)) {
        timer = setTimeout(() => {
          timer = undefined
          explanation.reload()
          history.reload()
        }, RELOAD_AFTER_MS)
      }
    })
    return () => {
      clearTimeout(timer)
      stop()
    }
  }, [location, sku])
  return (
    <Zone.Provider value={store?.timezone ?? ''}>
      <p>
        <a href={href('inventory', [], { sku })}>← {sku} in all stores</a>
      </p>
      <div class="toolbar">
        <h1>
          {sku}{' '}
          <span class="quiet">
            at {location} {store?.name}
          </span>
        </h1>
        {canAdjust.value && (
          <button type="button" onClick={() => void adjust(location, sku)}>
            Adjust by hand…
          </button>
        )}
      </div>
      {store && (
        <p class="quiet">
          {store.timezone ? <>Times are the store’s, where it is <LocalTime zone={store.timezone} /> now.</> : 'Times are yours: the store’s zone is not configured.'}
        </p>
      )}
      <Whatever of={explanation} what="the explanation">
        {(x) => (
          <>
            <Figures x={x} />
            <section class="card" aria-labelledby="explain-why">
              <h2 id="explain-why">Why it is {quantity(x.available)}</h2>
              <Waterfall steps={stepsOf(x)} channels={x.channels} />
            </section>
            <div class="grid wide">
              <StatementCard x={x} />
              <ChannelCard x={x} />
            </div>
          </>
        )}
      </Whatever>
      <Whatever of={history} what="the history">
        {(page) => (
          <>
            <TimeTravel location={location} sku={sku} entries={page.items} at={at} />
            <History page={page} />
          </>
        )}
      </Whatever>
    </Zone.Provider>
  )
}

// ---- the figures ----

function Figures({ x }: { x: Explanation }) {
  return (
    <div class="grid figures">
      {(
        [
          ['On hand', x.on_hand],
          ['Reserved', x.reserved],
          ['Safety stock', x.safety_stock],
          ['Available', x.available],
        ] as const
      ).map(([name, value]) => (
        <div class="card" key={name}>
          <h2>{name}</h2>
          <p class={value < 0 ? 'figure negative' : 'figure'}>{quantity(value)}</p>
          {name === 'On hand' && value < 0 && (
            <p class="quiet">Below zero: more was sold than the books knew of. It is kept, not hidden.</p>
          )}
        </div>
      ))}
    </div>
  )
}

function StatementCard({ x }: { x: Explanation }) {
  const s = x.statement
  return (
    <section class="card" aria-labelledby="explain-statement">
      <h2 id="explain-statement">The statement it stands on</h2>
      {s === null ? (
        <Empty title="No reset has named this cell yet.">
          <p>Its stock is the sum of all that was told of it since the beginning.</p>
        </Empty>
      ) : (
        <dl class="facts">
          <dt>Stated</dt>
          <dd>{quantity(s.stated)}</dd>
          <dt>As of</dt>
          <dd>
            <At at={s.as_of} /> {s.as_of_assumed && <Badge state="assumed" tone="warn" />}
          </dd>
          <dt>Known from</dt>
          <dd>{s.as_of_origin === 'parameter' ? 'what was sent with it' : (s.as_of_origin ?? UNKNOWN)}</dd>
          <dt>By</dt>
          <dd>{s.source}</dd>
          <dt>Reset</dt>
          <dd>
            <a href={href('resets', [s.reset])}>{s.file ?? s.reset}</a>
            {s.line === null ? ', by its absence' : `, line ${count(s.line)}`}
          </dd>
          <dt>Applied</dt>
          <dd>
            <Ago at={s.applied_at} />
          </dd>
        </dl>
      )}
      {x.covered_late.length > 0 && (
        <p class="quiet">
          {count(x.covered_late.length)} late events came after it and changed nothing, since it knew
          them.
        </p>
      )}
    </section>
  )
}

/** A figure that is not this cell's own is the channel's: of several stores, or by its threshold. */
const channelColumns: Column<ExplainedChannel>[] = [
  {
    title: 'Channel',
    render: (c) => (
      <>
        {c.channel}
        <br />
        <span class="quiet">{c.place ?? 'all its stores'}</span>
      </>
    ),
  },
  { title: 'Wanted', numeric: true, render: (c) => quantity(c.wanted) },
  { title: 'Sent', numeric: true, render: (c) => quantity(c.sent) },
  { title: 'Confirmed', numeric: true, render: (c) => quantity(c.confirmed) },
  { title: 'When', render: (c) => <Ago at={c.confirmed_at ?? c.sent_at} /> },
  {
    title: 'State',
    wrap: true,
    render: (c) => (
      <>
        <Badge state={c.state} /> {c.why && <span class="quiet">{c.why}</span>}
      </>
    ),
  },
]

function ChannelCard({ x }: { x: Explanation }) {
  return (
    <section class="card" aria-labelledby="explain-channels">
      <h2 id="explain-channels">What the channels were told</h2>
      {x.channels.length === 0 ? (
        <Empty title="No channel sells this cell.">
          <p>Its location stands in no channel’s list, or none is configured.</p>
        </Empty>
      ) : (
        <Table
          rows={x.channels}
          columns={channelColumns}
          label="What the channels were told"
          keyOf={(c) => `${c.channel} ${c.place}`}
        />
      )}
    </section>
  )
}

// ---- time travel ----

interface Past {
  known_now: Cell
  known_then: Cell
}

async function stood(location: string, sku: string, at: string): Promise<Past> {
  const path = cellPath(location, sku)
  const [known_now, known_then] = await Promise.all([
    get<Cell>(path, { at }),
    get<Cell>(path, { at, known_at: at }),
  ])
  return { known_now, known_then }
}

function instantOf(entry: Entry): number {
  return Date.parse(entry.occurred_at ?? entry.as_of ?? entry.received_at ?? '')
}

function TimeTravel(props: { location: string; sku: string; entries: Entry[]; at: string }) {
  const { location, sku, entries, at } = props
  const instants = entries.map(instantOf).filter((ms) => !Number.isNaN(ms))
  const first = Math.min(...instants, Date.now() - 3_600_000)
  const [span] = useState({ first, last: Date.now() })
  const shown = at === '' ? span.last : Date.parse(at)
  const [past, setPast] = useState<Past | null>(null)
  useEffect(() => {
    if (at === '') return
    let stale = false
    const timer = setTimeout(() => {
      stood(location, sku, at).then(
        (found) => stale || setPast(found),
        () => stale || setPast(null),
      )
    }, 120)
    return () => {
      stale = true
      clearTimeout(timer)
    }
  }, [location, sku, at])
  const position = Math.round(((shown - span.first) / (span.last - span.first)) * SLIDER_STEPS)
  const choose = (step: number): void => {
    const ms = span.first + ((span.last - span.first) * step) / SLIDER_STEPS
    requery(step >= SLIDER_STEPS ? {} : { at: new Date(ms).toISOString() })
  }
  // From movement to movement: what stood the moment after each.
  const moments = [...new Set(instants)].sort((a, b) => a - b)
  const earlier = moments.filter((ms) => ms < shown).pop()
  const later = moments.find((ms) => ms > shown)
  const travel = (ms: number | undefined): void =>
    requery(ms === undefined ? {} : { at: new Date(ms).toISOString() })
  return (
    <section class="card" aria-labelledby="explain-past">
      <h2 id="explain-past">What stood at another time</h2>
      <label>
        {at === '' ? 'Now' : clock(at)}
        <input
          type="range"
          class="travel"
          min={0}
          max={SLIDER_STEPS}
          value={position}
          aria-valuetext={at === '' ? 'now' : clock(at)}
          onInput={(event) => choose(Number(event.currentTarget.value))}
        />
      </label>
      <div class="actions left">
        <button type="button" disabled={earlier === undefined} onClick={() => travel(earlier)}>
          ← Movement before
        </button>
        <button type="button" disabled={at === ''} onClick={() => travel(later)}>
          {later === undefined ? 'Now' : 'Movement after →'}
        </button>
      </div>
      {at !== '' && past && (
        <dl class="facts" aria-live="polite">
          <dt>On hand, as known now</dt>
          <dd>{quantity(past.known_now.on_hand)}</dd>
          <dt>On hand, as known then</dt>
          <dd>
            {quantity(past.known_then.on_hand)}
            {past.known_then.on_hand !== past.known_now.on_hand && (
              <span class="quiet"> – something about that time came later</span>
            )}
          </dd>
          <dt>Available, as known now</dt>
          <dd>{quantity(past.known_now.available)}</dd>
        </dl>
      )}
    </section>
  )
}

// ---- history ----

const entryColumns: Column<Entry>[] = [
  { title: 'Happened', render: (e) => <At at={e.occurred_at ?? e.as_of ?? null} /> },
  { title: 'Heard', minor: true, render: (e) => <Ago at={e.received_at ?? null} /> },
  { title: 'What', render: (e) => whatOf(e) },
  { title: 'Change', numeric: true, render: (e) => signed(e.change) },
  { title: 'On hand', numeric: true, render: (e) => quantity(e.on_hand) },
  { title: 'Reserved', numeric: true, minor: true, render: (e) => quantity(e.reserved) },
  { title: 'Document', minor: true, render: (e) => e.document ?? e.order ?? '' },
  { title: 'By', minor: true, render: (e) => [e.source, e.register].filter(Boolean).join(' · ') },
]

function whatOf(entry: Entry) {
  if (entry.kind === 'reset' || entry.kind === 'rollback') {
    return <a href={href('resets', [entry.reset ?? ''])}>{entry.kind}</a>
  }
  const words = (entry.type ?? entry.kind).replace(/_/g, ' ')
  return (
    <>
      {words} {entry.status === 'covered' && <Badge state="covered" />}
      {entry.reason && <span class="quiet"> {entry.reason}</span>}
    </>
  )
}

function History({ page }: { page: Page<Entry> }) {
  return (
    <section class="card" aria-labelledby="explain-history">
      <h2 id="explain-history">Its ledger</h2>
      <Table
        rows={page.items}
        columns={entryColumns}
        label="Ledger, newest first"
        keyOf={(e) => String(e.sequence)}
      />
      {page.next !== null && (
        <p class="quiet">
          The newest {count(page.items.length)}; all of it: <code>onhand history</code>
        </p>
      )}
    </section>
  )
}

// ---- by hand ----

async function adjust(location: string, sku: string): Promise<void> {
  let delta = ''
  const reason = await confirm({
    title: `Adjust ${sku} at ${location}`,
    body: (
      <label>
        By how much (as in -2 or 3)
        <input
          type="text"
          inputMode="decimal"
          pattern="[+\-]?[0-9]+([.][0-9]{1,3})?"
          title="a number with at most three decimals, as in -2 or 0.5"
          required
          onInput={(event) => (delta = event.currentTarget.value.trim())}
        />
      </label>
    ),
    action: 'Adjust',
    reason: 'Why',
  })
  if (reason === null) return
  const by = Number(delta)
  await attempt(async () => {
    const answer = await send('/v1/adjustments', {
      method: 'POST',
      json: {
        adjustments: [
          { id: crypto.randomUUID(), location, sku, type: 'adjustment', delta: by, reason },
        ],
      },
      note: `${sku} at ${location} by ${signed(by)}: ${reason}`,
    })
    const { results } = (await answer.json()) as { results: { error?: { detail: string } }[] }
    const refused = results[0]?.error
    if (refused) throw new Error(refused.detail)
  }, `Adjusted by ${signed(by)}`)
}
