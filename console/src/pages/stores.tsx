// Stores: is each one heard, how far behind is it, is its clock right, is a document missing? What a
// till sent and nobody understood waits here until somebody looks.
import { useMemo, useState } from 'preact/hooks'
import { useLoaded, useNow } from '../data'
import { post, segment, send } from '../client'
import { bytes, count, duration, plural, UNKNOWN } from '../format'
import { isAdmin } from '../session'
import type { Location, Page, ParkedDocument, Source, SourceHealth, SourceRegister, SourceStore } from '../types'
import { Badge, type Tone } from '../ui/badge'
import { attempt, confirm } from '../ui/confirm'
import { Empty, Whatever } from '../ui/states'
import { Table, type Column } from '../ui/table'
import { Ago, LocalTime } from '../ui/time'

const EVERY_MS = 5000
const LOCATIONS_MOST = 10_000
const PARKED_SHOWN = 50
const OFFLINE_LAG_SECONDS = 300
const CLOCK_WRONG_SECONDS = 120

export function StoresPage() {
  const sources = useLoaded<{ items: Source[] }>('/v1/sources', {}, EVERY_MS)
  const locations = useLoaded<Page<Location>>('/v1/locations', { limit: LOCATIONS_MOST })
  const known = useMemo(
    () => new Map((locations.data?.items ?? []).map((one) => [one.location, one])),
    [locations.data],
  )
  return (
    <>
      <h1>Stores</h1>
      <Whatever of={sources} what="the sources">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No point of sale is configured as a source.">
              <p>
                Stores that send adjustments by themselves are heard all the same; name a Retail Pro
                Prism under <code>sources:</code> to see lag, clocks and missing documents of each.
              </p>
            </Empty>
          ) : (
            items.map((source) => <SourceCard key={source.name} name={source.name} known={known} />)
          )
        }
      </Whatever>
      {sources.data !== null && <Others locations={locations} known={known} sources={sources.data.items} />}
    </>
  )
}

// ---- a point of sale and its stores ----

interface Row extends SourceStore {
  known: Location | undefined
  state: StoreState
}

const ORDER = ['silent', 'replaying', 'clock', 'gaps', 'ok'] as const
type StoreState = (typeof ORDER)[number]

const STATES: Record<StoreState, { text: string; tone: Tone }> = {
  silent: { text: 'offline', tone: 'bad' },
  replaying: { text: 'replaying', tone: 'warn' },
  clock: { text: 'clock is wrong', tone: 'warn' },
  gaps: { text: 'documents missing', tone: 'warn' },
  ok: { text: 'ok', tone: 'good' },
}

/** Silent, behind (a line that was down and replays), with a wrong clock, with gaps, or in time. */
export function stateOf(store: SourceStore): StoreState {
  if (store.silent_since !== null) return 'silent'
  if ((store.lag_seconds ?? 0) > OFFLINE_LAG_SECONDS) return 'replaying'
  if ((worstOffset(store.registers) ?? 0) > CLOCK_WRONG_SECONDS) return 'clock'
  return store.registers.some((register) => register.missing > 0) ? 'gaps' : 'ok'
}

function rowsOf(stores: SourceStore[], known: Map<string, Location>): Row[] {
  return stores
    .map((store) => ({ ...store, known: known.get(store.location), state: stateOf(store) }))
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.location < b.location ? -1 : 1))
}

function SourceCard({ name, known }: { name: string; known: Map<string, Location> }) {
  const health = useLoaded<SourceHealth>(`/v1/sources/${segment(name)}`, {}, EVERY_MS)
  return (
    <>
      <section class="card" aria-label={`Source ${name}`}>
        <h2>
          {name} {health.data && <Badge state={health.data.state} />}
        </h2>
        <Whatever of={health} what="its stores">
          {(source) => (
            <>
              <p class="quiet">{wordsFor(source)}</p>
              {source.stores.length === 0 ? (
                <Empty title="No store has sent a document yet.">
                  <p>
                    They are polled, or pushed by the hook in Prism’s web client. The job{' '}
                    <code>{source.job}</code> in Settings says how the polling goes.
                  </p>
                </Empty>
              ) : (
                <Table
                  rows={rowsOf(source.stores, known)}
                  columns={columns}
                  label={`Stores of ${name}`}
                  keyOf={(s) => s.location}
                />
              )}
            </>
          )}
        </Whatever>
      </section>
      {(health.data?.parked ?? 0) > 0 && <Parked name={name} reload={health.reload} />}
    </>
  )
}

function wordsFor(source: SourceHealth): string {
  const parts = [
    `${plural(source.stores_known, 'store')} known`,
    source.stores_silent === 0 ? 'none silent' : `${count(source.stores_silent)} silent`,
    source.numbers_missing === 0
      ? 'no document missing'
      : `${plural(source.numbers_missing, 'document number')} missing`,
    source.parked === 0 ? 'nothing parked' : `${plural(source.parked, 'document')} parked`,
  ]
  return parts.join(', ')
}

/** A sale whose till says it was made in the future was made when it came. */
function LastSale({ store }: { store: SourceStore }) {
  const now = useNow()
  const { last_document_at: said, last_received_at: came } = store
  const ahead = said !== null && Date.parse(said) > now
  return <Ago at={ahead ? came : said} />
}

function worstOffset(registers: SourceRegister[]): number | null {
  let worst: number | null = null
  for (const { clock_offset_seconds: offset } of registers) {
    if (offset !== null && (worst === null || Math.abs(offset) > Math.abs(worst))) worst = offset
  }
  return worst
}

/** A till can be told to be ahead; one that seems behind may just have sent late. */
function clockWords(registers: SourceRegister[]): string {
  const offset = worstOffset(registers)
  if (offset === null) return UNKNOWN
  return Math.abs(offset) < 2 ? 'right' : `${duration(Math.abs(offset))} ${offset > 0 ? 'ahead' : 'behind'}`
}

const columns: Column<Row>[] = [
  {
    title: 'Store',
    render: (s) => (
      <>
        <strong>{s.location}</strong> <span class="quiet minor">{s.known?.name}</span>
      </>
    ),
  },
  { title: 'State', render: (s) => <Badge state={s.state} {...STATES[s.state]} /> },
  { title: 'Last sale', render: (s) => <LastSale store={s} /> },
  {
    title: 'Lag',
    numeric: true,
    render: (s) => (s.lag_seconds === null ? UNKNOWN : duration(s.lag_seconds)),
  },
  { title: 'Clock', numeric: true, minor: true, render: (s) => clockWords(s.registers) },
  { title: 'Its time', minor: true, render: (s) => <LocalTime zone={s.known?.timezone} /> },
  { title: 'Documents', numeric: true, minor: true, render: (s) => count(s.documents) },
  { title: 'Missing', wrap: true, render: (s) => missingWords(s.registers) },
]

function missingWords(registers: SourceRegister[]): string {
  const missing = registers.reduce((sum, r) => sum + r.missing, 0)
  if (missing === 0) return 'none'
  const gaps = registers.flatMap((r) => r.gaps.map((gap) => ({ register: r.register, ...gap })))
  const words = gaps
    .slice(0, 5)
    .map((g) => `${g.register} ${g.from === g.to ? g.from : `${g.from}–${g.to}`}`)
    .join(', ')
  return `${count(missing)}: ${words}${gaps.length > 5 ? ' …' : ''}`
}

// ---- what was not understood ----

function Parked({ name, reload }: { name: string; reload: () => void }) {
  const path = `/v1/sources/${segment(name)}/parked`
  const parked = useLoaded<Page<ParkedDocument>>(path, { limit: PARKED_SHOWN }, EVERY_MS)
  const both = (): void => {
    parked.reload()
    reload()
  }
  const replay = async (document: ParkedDocument | null): Promise<void> => {
    const said = await confirm({
      title: document ? `Take document ${document.sid ?? document.id} once more?` : 'Take all of them once more?',
      body: <p>What is understood by now is booked; the rest stays parked. Nothing counts twice.</p>,
      action: 'Replay',
    })
    if (said === null) return
    const to = document ? `${path}/${segment(document.id)}/replay` : `${path}/replay`
    if (await attempt(() => post(to), 'Replayed')) both()
  }
  const drop = async (document: ParkedDocument): Promise<void> => {
    const said = await confirm({
      title: `Throw document ${document.sid ?? document.id} away?`,
      body: <p>Its stock is never counted. The next reset brings the cell in line with the point of sale.</p>,
      action: 'Throw away',
      danger: true,
    })
    if (said === null) return
    if (await attempt(() => send(`${path}/${segment(document.id)}`, { method: 'DELETE' }), 'Thrown away')) both()
  }
  const parkedColumns: Column<ParkedDocument>[] = [
    { title: 'Document', render: (d) => <code>{d.sid ?? d.id}</code> },
    { title: 'Why', wrap: true, render: (d) => d.reason },
    { title: 'Came', render: (d) => <Ago at={d.last_at} /> },
    { title: 'Times', numeric: true, minor: true, render: (d) => count(d.times) },
    { title: 'Size', numeric: true, minor: true, render: (d) => bytes(d.bytes) },
  ]
  if (isAdmin.value) {
    parkedColumns.push({
      title: 'Do',
      render: (d) => (
        <>
          <button type="button" class="plain" onClick={() => void replay(d)}>
            Replay<span class="sr"> {d.sid ?? d.id}</span>
          </button>
          <button type="button" class="plain" onClick={() => void drop(d)}>
            Throw away<span class="sr"> {d.sid ?? d.id}</span>
          </button>
        </>
      ),
    })
  }
  return (
    <section class="card" aria-label={`Parked documents of ${name}`}>
      <div class="toolbar">
        <h2>Documents of {name} that were not understood</h2>
        {isAdmin.value && (
          <button type="button" onClick={() => void replay(null)}>
            Replay all
          </button>
        )}
      </div>
      <Whatever of={parked} what="the parked documents">
        {(page) => (
          <>
            <Table rows={page.items} columns={parkedColumns} label="Parked documents" keyOf={(d) => d.id} />
            {page.next !== null && (
              <p class="quiet">
                The first {count(page.items.length)}; all: <code>onhand sources parked {name}</code>
              </p>
            )}
          </>
        )}
      </Whatever>
    </section>
  )
}

// ---- stores that no source tells of ----

const otherColumns: Column<Location>[] = [
  { title: 'Store', render: (l) => <strong>{l.location}</strong> },
  { title: 'Name', render: (l) => l.name ?? UNKNOWN },
  { title: 'Its time', render: (l) => <LocalTime zone={l.timezone} /> },
  {
    title: 'Sold online',
    minor: true,
    render: (l) => (!l.active ? 'closed' : l.published && l.sell_online ? 'yes' : 'no'),
  },
  { title: 'Safety stock', numeric: true, minor: true, render: (l) => count(l.safety_stock) },
]

function Others(props: {
  locations: { data: Page<Location> | null; error: Error | null; reload: () => void }
  known: Map<string, Location>
  sources: Source[]
}) {
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  return (
    <section class="card" aria-labelledby="stores-all">
      <div class="toolbar">
        <h2 id="stores-all">All locations</h2>
        <label class="search small">
          Code or name
          <input
            type="search"
            value={text}
            spellcheck={false}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
      </div>
      <Whatever of={props.locations} what="the locations">
        {({ items }) => {
          const shown = items.filter((l) => `${l.location} ${l.name ?? ''}`.toLowerCase().includes(wanted))
          if (items.length === 0) {
            return (
              <Empty title="No location is known yet.">
                <p>
                  They come with the first sale or file, or are listed under <code>locations:</code>.
                </p>
              </Empty>
            )
          }
          if (shown.length === 0) return <Empty title={`No location is called “${text}”.`} />
          return <Table rows={shown} columns={otherColumns} label="All locations" keyOf={(l) => l.location} />
        }}
      </Whatever>
    </section>
  )
}
