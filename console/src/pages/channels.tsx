// Channels: how far each shop is behind, what it refused and in which words, and whether it matches.
import { useLoaded } from '../data'
import { post, segment } from '../client'
import { count, duration, plural, UNKNOWN } from '../format'
import { isAdmin } from '../session'
import type { Channel } from '../types'
import { Badge } from '../ui/badge'
import { attempt, confirm } from '../ui/confirm'
import { Empty, Whatever } from '../ui/states'
import { Ago } from '../ui/time'

const EVERY_MS = 2000

const ACTIONS = [
  { name: 'pause', title: 'Pause', words: 'Nothing more is sent until it is resumed; what changes is kept.' },
  { name: 'resume', title: 'Resume', words: 'What has waited is sent, the newest figure of each cell.' },
  { name: 'resync', title: 'Resync', words: 'Every figure is sent once more.' },
  { name: 'audit', title: 'Audit', words: 'The shop is read back and compared with what should stand there.' },
] as const

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
            <div class="grid">
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

function ChannelCard({ channel, reload }: { channel: Channel; reload: () => void }) {
  const parked = channel.parked ?? []
  const act = async (action: (typeof ACTIONS)[number]): Promise<void> => {
    const said = await confirm({
      title: `${action.title} ${channel.name}?`,
      body: <p>{action.words}</p>,
      action: action.title,
    })
    if (said === null) return
    const path = `/v1/channels/${segment(channel.name)}/${action.name}`
    if (await attempt(() => post(path), `${action.title}: done`)) reload()
  }
  const lag = channel.oldest_pending_seconds
  return (
    <section class="card" aria-label={channel.name}>
      <h2>
        {channel.name} <span class="quiet">{channel.type}</span> <Badge state={channel.state} />
      </h2>
      <dl class="facts">
        {channel.pending !== undefined && (
          <>
            <dt>Waiting</dt>
            <dd>
              {channel.pending === 0
                ? 'nothing'
                : `${plural(channel.pending, 'cell')}, the oldest for ${lag === null || lag === undefined ? UNKNOWN : duration(lag)}`}
            </dd>
          </>
        )}
        {channel.confirmed !== undefined && (
          <>
            <dt>Confirmed</dt>
            <dd>{count(channel.confirmed)} cells</dd>
          </>
        )}
        {channel.last_file !== undefined && (
          <>
            <dt>Last file</dt>
            <dd>
              {channel.last_file ?? UNKNOWN} <Ago at={channel.last_file_at} />
            </dd>
          </>
        )}
        <dt>Last error</dt>
        <dd>
          {channel.last_error ?? 'none'}{' '}
          {channel.last_error_at ? <Ago at={channel.last_error_at} /> : null}
        </dd>
      </dl>
      {parked.length > 0 && (
        <details>
          <summary>{plural(parked.length, 'item')} parked</summary>
          <ul>
            {parked.map((item, i) => (
              <li key={i}>
                {item.sku} {item.location}: {item.detail}
              </li>
            ))}
          </ul>
        </details>
      )}
      {isAdmin.value && channel.type !== 'file' && (
        <div class="actions">
          {ACTIONS.map((action) => (
            <button key={action.name} type="button" onClick={() => void act(action)}>
              {action.title}
            </button>
          ))}
        </div>
      )}
    </section>
  )
}
