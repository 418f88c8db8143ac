// What the Now page says, worked out from what was read; pure, so that every sentence can be tested.
import { count, plural, duration } from '../format'
import { href } from '../router'
import type { Channel, Feed, Now, Source, Time } from '../types'
import type { Tone } from '../ui/badge'

export interface Need {
  state: string
  tone: Tone
  text: string
  /** In fewer words, for the one sentence. */
  brief?: string
  /** Says nothing against the stock's being true: only what becomes of it elsewhere. */
  elsewhere?: boolean
  href?: string
}

export interface Sentence {
  text: string
  tone: Tone
}

function secondsSince(time: Time | null | undefined, nowMs: number): number {
  return time === null || time === undefined ? 0 : (nowMs - Date.parse(time)) / 1000
}

function feedNeeds(feeds: Feed[], nowMs: number): Need[] {
  const list: Need[] = []
  for (const feed of feeds) {
    if (feed.late) {
      const late = duration(secondsSince(feed.late_since, nowMs))
      list.push({
        state: 'late',
        tone: 'bad',
        text: `Feed ${feed.name}: its file is ${late} late`,
        href: href('settings'),
      })
    } else if (feed.last_error !== null && (feed.last_error_at ?? '') > (feed.last_file_at ?? '')) {
      list.push({
        state: 'failing',
        tone: 'bad',
        text: `Feed ${feed.name}: ${feed.last_error}`,
        href: href('settings'),
      })
    }
  }
  return list
}

function channelNeeds(channels: Channel[]): Need[] {
  const list: Need[] = []
  for (const channel of channels) {
    const parked = channel.parked_count ?? 0
    if (channel.state !== 'ok' && channel.state !== 'new' && channel.state !== 'paused') {
      list.push({
        state: channel.state,
        tone: 'bad',
        text: `Channel ${channel.name}: ${channel.last_error ?? channel.state}`,
        brief: `channel ${channel.name} is ${channel.state.replace(/_/g, ' ')}`,
        elsewhere: true,
        href: href('channels'),
      })
    }
    if (parked > 0) {
      list.push({
        state: 'parked',
        tone: 'warn',
        text: `Channel ${channel.name}: ${plural(parked, 'item')} parked`,
        brief: `${plural(parked, 'item')} parked at channel ${channel.name}`,
        elsewhere: true,
        href: href('channels'),
      })
    }
  }
  return list
}

function sourceNeeds(sources: Source[], nowMs: number): Need[] {
  const list: Need[] = []
  for (const source of sources) {
    for (const store of source.silent) {
      list.push({
        state: 'silent',
        tone: 'warn',
        text: `${store.location} silent for ${duration(secondsSince(store.since, nowMs))}`,
        href: href('stores'),
      })
    }
    if (source.stores_silent > source.silent.length) {
      list.push({
        state: 'silent',
        tone: 'warn',
        text: `${plural(source.stores_silent - source.silent.length, 'more store')} silent`,
        href: href('stores'),
      })
    }
    if (source.parked > 0) {
      list.push({
        state: 'parked',
        tone: 'warn',
        text: `Source ${source.name}: ${plural(source.parked, 'document')} not understood`,
        href: href('stores'),
      })
    }
  }
  return list
}

/** What waits for somebody, the worst first. */
export function needs(known: Now, nowMs: number): Need[] {
  const list: Need[] = []
  if (known.status.disk_full) {
    list.push({
      state: 'disk_full',
      tone: 'bad',
      text: 'The disk is full: sales are refused until there is room again',
    })
  }
  list.push(...feedNeeds(known.feeds, nowMs), ...channelNeeds(known.channels))
  for (const reset of known.resets.items) {
    if (reset.status !== 'held' && reset.status !== 'partial') continue
    const what = reset.file ?? reset.feed ?? reset.id
    const part = reset.status === 'partial' ? 'partly held' : 'held'
    list.push({
      state: 'held',
      tone: 'warn',
      text: `Reset ${what} is ${part}: ${reset.reasons[0]?.detail ?? 'approve or reject it'}`,
      href: href('resets', [reset.id]),
    })
  }
  list.push(...sourceNeeds(known.sources, nowMs))
  const bad = (need: Need): number => (need.tone === 'bad' ? 0 : 1)
  return list.sort((a, b) => bad(a) - bad(b))
}

function inSync({ status, resets }: Now): Sentence {
  const { cells, locations } = status
  if (cells === 0) return { text: 'Ready: no stock has been told yet', tone: 'quiet' }
  if (status.resets_applied === 0 && resets.items.length === 0) {
    return {
      text: `${plural(locations, 'store')} heard of; no reset has confirmed their stock yet`,
      tone: 'quiet',
    }
  }
  const text = locations === 1 ? 'The store is in sync' : `All ${plural(locations, 'store')} in sync`
  return { text, tone: 'good' }
}

export function sentence(known: Now | null, list: Need[], unreachable: boolean): Sentence {
  if (unreachable) return { text: 'The hub does not answer', tone: 'bad' }
  if (known === null) return { text: 'Looking…', tone: 'quiet' }
  const worst = list[0]
  const base = inSync(known)
  if (worst === undefined) return base
  const more = list.length > 1 ? `, and ${plural(list.length - 1, 'more thing')}` : ''
  // A channel that fails, or a store that says nothing, leaves the others as true as they were.
  const others = list.every((need) => need.elsewhere || need.state === 'silent')
  if (!others || base.tone !== 'good') return { text: worst.text + more, tone: worst.tone }
  const silent = known.sources.reduce((sum, source) => sum + source.stores_silent, 0)
  const all = known.status.locations
  const first = silent === 0 ? base.text : `${count(all - silent)} of ${plural(all, 'store')} in sync`
  return { text: `${first}; ${worst.brief ?? worst.text}${more}`, tone: worst.tone }
}
