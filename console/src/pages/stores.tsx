// Stores: is each one heard, how far behind is it, is its clock right, is a document missing?
import { useLoaded } from '../data'
import { segment } from '../client'
import { count, duration, plural, UNKNOWN } from '../format'
import type { Source, SourceHealth, SourceRegister, SourceStore } from '../types'
import { Badge } from '../ui/badge'
import { Empty, Whatever } from '../ui/states'
import { Table, type Column } from '../ui/table'
import { Ago } from '../ui/time'

const EVERY_MS = 5000
const OFFLINE_LAG_SECONDS = 300
const CLOCK_WRONG_SECONDS = 120

export function StoresPage() {
  const sources = useLoaded<{ items: Source[] }>('/v1/sources', {}, EVERY_MS)
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
            items.map((source) => <SourceCard key={source.name} name={source.name} />)
          )
        }
      </Whatever>
    </>
  )
}

function SourceCard({ name }: { name: string }) {
  const health = useLoaded<SourceHealth>(`/v1/sources/${segment(name)}`, {}, EVERY_MS)
  return (
    <section class="card" aria-label={`Source ${name}`}>
      <h2>
        {name} {health.data && <Badge state={health.data.state} />}
      </h2>
      <Whatever of={health} what="its stores">
        {(source) => (
          <>
            <p class="quiet">
              {plural(source.stores_known, 'store')} known, {count(source.stores_silent)} silent;{' '}
              {plural(source.numbers_missing, 'document number')} missing;{' '}
              {source.parked === 0
                ? 'nothing parked'
                : `${plural(source.parked, 'document')} parked: onhand sources parked ${name}`}
            </p>
            {source.stores.length === 0 ? (
              <Empty title="No store has sent a document yet." />
            ) : (
              <Table
                rows={source.stores}
                columns={columns}
                label={`Stores of ${name}`}
                keyOf={(s) => s.location}
              />
            )}
          </>
        )}
      </Whatever>
    </section>
  )
}

/** Silent, behind (a line that was down and replays), or in time. */
export function stateOf(store: SourceStore): string {
  if (store.silent_since !== null) return 'silent'
  if ((store.lag_seconds ?? 0) > OFFLINE_LAG_SECONDS) return 'replaying'
  return 'ok'
}

function worstOffset(registers: SourceRegister[]): number | null {
  let worst: number | null = null
  for (const { clock_offset_seconds: offset } of registers) {
    if (offset !== null && (worst === null || Math.abs(offset) > Math.abs(worst))) worst = offset
  }
  return worst
}

function offsetWords(registers: SourceRegister[]) {
  const offset = worstOffset(registers)
  if (offset === null) return UNKNOWN
  const words = `${duration(Math.abs(offset))} ${offset > 0 ? 'ahead' : 'behind'}`
  if (offset > CLOCK_WRONG_SECONDS) return <Badge state="clock" text={words} tone="warn" />
  return Math.abs(offset) < 1 ? 'right' : words
}

const columns: Column<SourceStore>[] = [
  { title: 'Store', render: (s) => s.location },
  {
    title: 'State',
    render: (s) => (
      <Badge state={stateOf(s)} tone={stateOf(s) === 'replaying' ? 'warn' : undefined!} />
    ),
  },
  { title: 'Last sale', render: (s) => <Ago at={s.last_document_at} /> },
  {
    title: 'Lag',
    numeric: true,
    render: (s) => (s.lag_seconds === null ? UNKNOWN : duration(s.lag_seconds)),
  },
  { title: 'Clock', minor: true, render: (s) => offsetWords(s.registers) },
  { title: 'Documents', numeric: true, minor: true, render: (s) => count(s.documents) },
  { title: 'Missing', render: (s) => <Missing registers={s.registers} /> },
]

function Missing({ registers }: { registers: SourceRegister[] }) {
  const gaps = registers.flatMap((r) => r.gaps.map((gap) => ({ register: r.register, ...gap })))
  const missing = registers.reduce((sum, r) => sum + r.missing, 0)
  if (missing === 0) return <>none</>
  const words = gaps
    .slice(0, 5)
    .map((g) => `${g.register} ${g.from === g.to ? g.from : `${g.from}–${g.to}`}`)
    .join(', ')
  return (
    <span title={words}>
      <Badge state="gaps" text={`${count(missing)}: ${words}`} tone="warn" />
    </span>
  )
}
