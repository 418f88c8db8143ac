// Now: is the stock in sync, and if not, what needs a person? One sentence first, then the figures.
import { perSecond } from '../live'
import { useLoaded, useNow } from '../data'
import { bytes, count, duration, plural, UNKNOWN } from '../format'
import { href } from '../router'
import type { Channel, Now, Source, Status } from '../types'
import { Badge } from '../ui/badge'
import { Chart } from '../ui/chart'
import { Empty, Failed, Loading } from '../ui/states'
import { Table, type Column } from '../ui/table'
import { Ago } from '../ui/time'
import { needs, sentence, type Need } from './now_state'

const EVERY_MS = 3000
const SALES_SERIES = [{ label: 'changes per second', colour: '--accent', fill: true }]

function Sales() {
  const rates = perSecond.value
  const lastFull = rates[rates.length - 2] ?? 0
  const seconds = rates.map((_, i) => i - rates.length + 1)
  return (
    <section class="card" aria-labelledby="now-sales">
      <h2 id="now-sales">Changes of stock</h2>
      <p class="figure">
        {count(lastFull)} <span class="unit">per second</span>
      </p>
      <Chart
        data={[seconds, rates]}
        series={SALES_SERIES}
        time={false}
        height={130}
        label={`Changes per second over the last two minutes; the last second: ${lastFull}`}
      />
    </section>
  )
}

function Needs({ list }: { list: Need[] }) {
  return (
    <section class="card" aria-labelledby="now-needs">
      <h2 id="now-needs">Needs a person</h2>
      {list.length === 0 ? (
        <p class="quiet">Nothing. Held resets, late feeds and silent stores would stand here.</p>
      ) : (
        <ul class="needs">
          {list.map((need) => (
            <li key={need.text}>
              <Badge state={need.state} tone={need.tone} />
              {need.href ? <a href={need.href}>{need.text}</a> : <span>{need.text}</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Resets({ known }: { known: Now }) {
  const last = known.resets.items.find((reset) => reset.status !== 'dry_run')
  const next = known.next_reset
  return (
    <section class="card" aria-labelledby="now-resets">
      <h2 id="now-resets">Daily reset</h2>
      {last ? (
        <dl class="facts">
          <dt>Last</dt>
          <dd>
            <a href={href('resets', [last.id])}>
              <Ago at={last.received_at ?? last.as_of} />
            </a>{' '}
            <Badge state={last.status} />
          </dd>
          <dt>Rows</dt>
          <dd>{count(last.rows)}</dd>
          <dt>Changed</dt>
          <dd>
            {count(last.changed)} of {count(last.cells)} cells
          </dd>
          <dt>Next</dt>
          <dd>{next ? <Ago at={next.at} /> : UNKNOWN}</dd>
        </dl>
      ) : (
        <Empty title="No reset yet.">
          <p>
            Configure a feed, or send a file: <code>onhand reset FILE</code>
          </p>
        </Empty>
      )}
    </section>
  )
}

const channelColumns: Column<Channel>[] = [
  { title: 'Channel', render: (c) => <a href={href('channels')}>{c.name}</a> },
  { title: 'State', render: (c) => <Badge state={c.state} /> },
  { title: 'Waiting', numeric: true, render: (c) => count(c.pending) },
  {
    title: 'Lag',
    numeric: true,
    render: (c) => (c.oldest_pending_seconds === undefined ? UNKNOWN : duration(c.oldest_pending_seconds)),
  },
]

function Channels({ channels }: { channels: Channel[] }) {
  return (
    <section class="card" aria-labelledby="now-channels">
      <h2 id="now-channels">Channels</h2>
      {channels.length === 0 ? (
        <Empty title="No channels are configured.">
          <p>Figures go nowhere but to those who ask for them.</p>
        </Empty>
      ) : (
        <Table rows={channels} columns={channelColumns} label="Channels" keyOf={(c) => c.name} />
      )}
    </section>
  )
}

function Stores({ sources }: { sources: Source[] }) {
  const now = useNow()
  return (
    <section class="card" aria-labelledby="now-stores">
      <h2 id="now-stores">Stores</h2>
      {sources.length === 0 ? (
        <Empty title="No point of sale is configured as a source.">
          <p>Stores that send adjustments by themselves are heard all the same.</p>
        </Empty>
      ) : (
        sources.map((source) => (
          <dl class="facts" key={source.name}>
            <dt>{source.name}</dt>
            <dd>
              <a href={href('stores')}>{plural(source.stores_known, 'store')}</a>{' '}
              <Badge state={source.state} />
            </dd>
            <dt>Last sale</dt>
            <dd>
              {Date.parse(source.last_document_at ?? '') > now ? (
                'just now, by a clock that is ahead'
              ) : (
                <Ago at={source.last_document_at} />
              )}
            </dd>
            <dt>Silent</dt>
            <dd>{source.stores_silent === 0 ? 'none' : plural(source.stores_silent, 'store')}</dd>
            <dt>Missing</dt>
            <dd>{source.numbers_missing === 0 ? 'nothing' : plural(source.numbers_missing, 'document')}</dd>
            <dt>Not understood</dt>
            <dd>{source.parked === 0 ? 'nothing' : plural(source.parked, 'document')}</dd>
          </dl>
        ))
      )}
    </section>
  )
}

function Hub({ status }: { status: Status }) {
  return (
    <section class="card" aria-labelledby="now-hub">
      <h2 id="now-hub">Hub</h2>
      <dl class="facts">
        <dt>Cells</dt>
        <dd>{count(status.cells)}</dd>
        <dt>Locations</dt>
        <dd>{count(status.locations)}</dd>
        <dt>Products</dt>
        <dd>{count(status.products)}</dd>
        <dt>Memory</dt>
        <dd>{bytes(status.memory_bytes)}</dd>
        <dt>On disk</dt>
        <dd>{bytes(status.disk_bytes)}</dd>
        <dt>Started</dt>
        <dd>
          <Ago at={status.started_at} />
        </dd>
        <dt>Version</dt>
        <dd>{status.version}</dd>
      </dl>
    </section>
  )
}

export function NowPage() {
  const { data: known, error, reload } = useLoaded<Now>('/v1/now', {}, EVERY_MS)
  const now = useNow()
  const list = known === null ? [] : needs(known, now)
  const words = sentence(known, list, error !== null)
  return (
    <>
      <h1 class={`state ${words.tone}`}>{words.text}</h1>
      {error && <Failed error={error} retry={reload} />}
      <div class="grid">
        {known && <Needs list={list} />}
        <Sales />
        {known === null ? (
          error === null && <Loading what="the hub's figures" />
        ) : (
          <>
            <Resets known={known} />
            <Channels channels={known.channels} />
            <Stores sources={known.sources} />
            <Hub status={known.status} />
          </>
        )}
      </div>
    </>
  )
}
