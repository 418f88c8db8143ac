// Channels: how far each shop is behind, what it refused and in which words, and whether it matches.
import { useEffect, useRef, useState } from 'preact/hooks'
import { useLoaded } from '../data'
import { post, segment } from '../client'
import { count, duration, plural, quantity, UNKNOWN } from '../format'
import { href } from '../router'
import { isAdmin } from '../session'
import type { Channel, ChannelAudit, ChannelAudits, ChannelParked } from '../types'
import { Badge } from '../ui/badge'
import { attempt, confirm } from '../ui/confirm'
import { Empty, Whatever } from '../ui/states'
import { Table, type Column } from '../ui/table'
import { Ago, At } from '../ui/time'

const EVERY_MS = 2000
const RATE_OVER_MS = 10_000

interface Order {
  name: string
  title: string
  words: string
  /** Whether it makes sense as the channel is now. */
  fits?: (channel: Channel) => boolean
}

const ORDERS: Order[] = [
  {
    name: 'pause',
    title: 'Pause',
    words: 'Nothing more is sent until it is resumed; what changes is kept, the newest figure of each cell.',
    fits: (channel) => channel.state !== 'paused',
  },
  {
    name: 'resume',
    title: 'Resume',
    words: 'What has waited is sent at once, the newest figure of each cell.',
    fits: (channel) => channel.state !== 'ok' && channel.state !== 'starting',
  },
  {
    name: 'retry',
    title: 'Retry parked',
    words: 'What the shop refused is sent once more, all of it.',
    fits: (channel) => (channel.parked_count ?? 0) + (channel.unmapped ?? 0) > 0,
  },
  { name: 'resync', title: 'Resync', words: 'What the shop was told is forgotten, and every figure sent once more.' },
  {
    name: 'audit',
    title: 'Audit',
    words: 'The shop is read back and compared with what should stand there.',
    fits: (channel) => channel.type !== 'webhook',
  },
]

export function ChannelsPage() {
  const channels = useLoaded<{ items: Channel[] }>('/v1/channels', {}, EVERY_MS)
  return (
    <>
      <h1>Channels</h1>
      <Whatever of={channels} what="the channels">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No channels are configured.">
              <p>
                Name them under <code>channels:</code> in the configuration, and restart the hub.
              </p>
            </Empty>
          ) : (
            <div class="grid wide">
              {items.map((channel) => (
                <ChannelCard key={channel.name} channel={channel} reload={channels.reload} />
              ))}
            </div>
          )
        }
      </Whatever>
    </>
  )
}

/** Items confirmed per second over the last while, or null until two looks lie far enough apart. */
function useRate(confirmed: number | undefined): number | null {
  const looks = useRef<{ at: number; confirmed: number }[]>([])
  const [rate, setRate] = useState<number | null>(null)
  useEffect(() => {
    if (confirmed === undefined) return
    const look = (): void => {
      const now = performance.now()
      const last = looks.current[looks.current.length - 1]
      if (last && last.confirmed > confirmed) looks.current = [] // a hub that started anew
      looks.current = [...looks.current.filter((l) => now - l.at <= RATE_OVER_MS), { at: now, confirmed }]
      const first = looks.current[0]!
      if (now - first.at >= 1000) setRate(((confirmed - first.confirmed) * 1000) / (now - first.at))
    }
    look()
    const timer = setInterval(look, EVERY_MS)
    return () => clearInterval(timer)
  }, [confirmed])
  return rate
}

function waitingWords(channel: Channel): string {
  if (channel.pending === undefined) return UNKNOWN
  if (channel.pending === 0) return 'nothing'
  const lag = channel.oldest_pending_seconds
  return `${plural(channel.pending, 'cell')}, the oldest for ${lag === undefined ? UNKNOWN : duration(lag)}`
}

async function give(order: Order, channel: Channel, query = {}, what = channel.name): Promise<boolean> {
  const said = await confirm({
    title: `${order.title}: ${what}?`,
    body: <p>{order.words}</p>,
    action: order.title,
  })
  if (said === null) return false
  const path = `/v1/channels/${segment(channel.name)}/${order.name}`
  return attempt(() => post(path, undefined, query), `${order.title}: the hub took it`)
}

function ChannelCard({ channel, reload }: { channel: Channel; reload: () => void }) {
  const act = async (order: Order): Promise<void> => {
    if (await give(order, channel)) reload()
  }
  const file = channel.type === 'file'
  return (
    <section class="card" aria-label={channel.name}>
      <h2>
        {channel.name} <span class="quiet">{channel.type}</span> <Badge state={channel.state} />
      </h2>
      {channel.last_error !== null && channel.state !== 'ok' && (
        <p class="notice bad">
          <span>{channel.last_error}</span> <Ago at={channel.last_error_at} />
        </p>
      )}
      {file ? <FileFacts channel={channel} /> : <ShopFacts channel={channel} />}
      {!file && <ParkedItems channel={channel} reload={reload} />}
      {!file && channel.type !== 'webhook' && <Audit channel={channel} />}
      {isAdmin.value && !file && (
        <div class="actions">
          {ORDERS.filter((order) => order.fits?.(channel) ?? true).map((order) => (
            <button key={order.name} type="button" onClick={() => void act(order)}>
              {order.title}
              <span class="sr"> {channel.name}</span>
            </button>
          ))}
        </div>
      )}
    </section>
  )
}

function FileFacts({ channel }: { channel: Channel }) {
  return (
    <dl class="facts">
      <dt>Last file</dt>
      <dd>
        {channel.last_file ?? 'none yet'} {channel.last_file_at && <Ago at={channel.last_file_at} />}
      </dd>
      <dt>Rows</dt>
      <dd>{count(channel.rows)}</dd>
      <dt>Written by</dt>
      <dd>
        job <a href={href('settings')}>{channel.job}</a>
      </dd>
      <dt>Last error</dt>
      <dd>
        {channel.last_error ?? 'none'} {channel.last_error_at && <Ago at={channel.last_error_at} />}
      </dd>
    </dl>
  )
}

function ShopFacts({ channel }: { channel: Channel }) {
  const rate = useRate(channel.items_confirmed)
  return (
    <dl class="facts">
      <dt>Waiting</dt>
      <dd>{waitingWords(channel)}</dd>
      <dt>Confirmed</dt>
      <dd>{plural(channel.confirmed ?? 0, 'cell')}</dd>
      <dt>Throughput</dt>
      <dd>{rate === null ? UNKNOWN : `${quantity(Math.round(rate * 10) / 10)} cells/s`}</dd>
      <dt>Calls</dt>
      <dd>
        {count(channel.calls)}, {count(channel.calls_failed)} failed
      </dd>
      <dt>Budget</dt>
      <dd>
        {channel.next_call_at ? (
          <>
            used up; the next call <Ago at={channel.next_call_at} />
          </>
        ) : (
          'free to send'
        )}
      </dd>
      {(channel.held ?? 0) > 0 && (
        <>
          <dt>Held back</dt>
          <dd>{plural(channel.held!, 'increase')}, until their time has come</dd>
        </>
      )}
      {(channel.uncertain ?? 0) > 0 && (
        <>
          <dt>Uncertain</dt>
          <dd>{plural(channel.uncertain!, 'cell')}: no answer came, so the shop is read back first</dd>
        </>
      )}
      {(channel.unmapped ?? 0) > 0 && (
        <>
          <dt>Unknown there</dt>
          <dd>{plural(channel.unmapped!, 'cell')} of products the shop does not have</dd>
        </>
      )}
    </dl>
  )
}

function ParkedItems({ channel, reload }: { channel: Channel; reload: () => void }) {
  const parked = channel.parked ?? []
  if (parked.length === 0) return null
  const retry = ORDERS.find((order) => order.name === 'retry')!
  const one = async (item: ChannelParked): Promise<void> => {
    const { location, sku } = item
    const order = { ...retry, title: 'Retry', words: 'It is sent once more.' }
    if (await give(order, channel, { location, sku }, `${sku} at ${location}`)) reload()
  }
  const columns: Column<ChannelParked>[] = [
    {
      title: 'Cell',
      render: (item) => (
        <a href={href('inventory', [item.location, item.sku])}>
          {item.sku} <span class="quiet">{item.location}</span>
        </a>
      ),
    },
    { title: 'Wanted', numeric: true, render: (item) => quantity(item.wanted) },
    { title: 'In the shop’s words', wrap: true, render: (item) => item.detail },
  ]
  if (isAdmin.value) {
    columns.push({
      title: 'Do',
      render: (item) => (
        <button type="button" class="plain" onClick={() => void one(item)}>
          Retry<span class="sr"> {item.sku}</span>
        </button>
      ),
    })
  }
  return (
    <>
      <h3>
        Parked <span class="quiet">{count(channel.parked_count ?? parked.length)}</span>
      </h3>
      <Table
        rows={parked}
        columns={columns}
        label={`Parked at ${channel.name}`}
        keyOf={(item) => `${item.location}/${item.sku}`}
      />
    </>
  )
}

// ---- audits ----

const CAUSES: Record<string, string> = {
  changed_at_the_shop: 'changed there by somebody else',
  not_at_the_shop: 'no longer there',
  never_sent: 'never sent',
  parked: 'parked',
}

function auditWords(audit: ChannelAudit): string {
  if (audit.error !== null) return `ended early: ${audit.error}`
  const read = `${plural(audit.read, 'figure')} read back`
  if (audit.drift === 0) return `${read}, all as they should be`
  return `${read}, ${count(audit.drift)} not as they should be, ${count(audit.mended)} sent again`
}

function Audit({ channel }: { channel: Channel }) {
  const [open, setOpen] = useState(false)
  const all = useLoaded<ChannelAudits>(open ? `/v1/channels/${segment(channel.name)}/audits` : null)
  const last = channel.last_audit
  return (
    <>
      <h3>Last audit</h3>
      {last === null || last === undefined ? (
        <p class="quiet">None yet. “Audit” reads the shop back; every night with audit: in its configuration.</p>
      ) : (
        <>
          <p>
            <Badge
              state={last.error ? 'failing' : last.drift > 0 ? 'drift' : 'ok'}
              tone={last.error ? 'bad' : last.drift > 0 ? 'warn' : 'good'}
            />{' '}
            {auditWords(last)}, <Ago at={last.finished_at} />
          </p>
          {last.differences.length > 0 && (
            <ul>
              {last.differences.slice(0, 10).map((d) => (
                <li key={`${d.location}/${d.sku}`}>
                  <a href={href('inventory', [d.location, d.sku])}>{d.sku}</a> at {d.location}: there{' '}
                  {quantity(d.actual)}, should be {quantity(d.wanted)} ({CAUSES[d.cause] ?? d.cause})
                </li>
              ))}
            </ul>
          )}
          <details onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary>Day after day</summary>
            <Whatever of={all} what="the audits">
              {({ items }) => (
                <ul>
                  {items.map((audit) => (
                    <li key={audit.started_at}>
                      <At at={audit.finished_at} />: {auditWords(audit)}
                    </li>
                  ))}
                </ul>
              )}
            </Whatever>
          </details>
        </>
      )}
    </>
  )
}
