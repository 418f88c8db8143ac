// What the Now page says, worked out from what was read; pure, so that every sentence can be tested.
import { plural, duration } from '../format'
import { href } from '../router'
import type { Channel, Feed, Reset, Status } from '../types'
import type { Tone } from '../ui/badge'

export interface Known {
  status: Status | null
  feeds: Feed[] | null
  channels: Channel[] | null
  resets: Reset[] | null
  nowMs: number
}

export interface Need {
  state: string
  tone: Tone
  text: string
  href?: string
}

export interface Sentence {
  text: string
  tone: Tone
}

function secondsSince(time: string | null, nowMs: number): number {
  return time === null ? 0 : (nowMs - Date.parse(time)) / 1000
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
    const parked = channel.parked?.length ?? 0
    if (channel.state !== 'ok' && channel.state !== 'new' && channel.state !== 'paused') {
      list.push({
        state: channel.state,
        tone: 'bad',
        text: `Channel ${channel.name}: ${channel.last_error ?? channel.state}`,
        href: href('channels'),
      })
    }
    if (parked > 0) {
      list.push({
        state: 'parked',
        tone: 'warn',
        text: `Channel ${channel.name}: ${plural(parked, 'item')} parked`,
        href: href('channels'),
      })
    }
  }
  return list
}

/** What waits for somebody, the worst first. */
export function needs(known: Known): Need[] {
  const list: Need[] = []
  if (known.status?.disk_full) {
    list.push({
      state: 'disk_full',
      tone: 'bad',
      text: 'The disk is full: sales are refused until there is room again',
    })
  }
  list.push(...feedNeeds(known.feeds ?? [], known.nowMs), ...channelNeeds(known.channels ?? []))
  for (const reset of known.resets ?? []) {
    if (reset.status !== 'held' && reset.status !== 'partial') continue
    const what = reset.file ?? reset.feed ?? reset.id
    list.push({
      state: 'held',
      tone: 'warn',
      text: `Reset ${what} is held: ${reset.reasons[0]?.detail ?? 'approve or reject it'}`,
      href: href('resets', [reset.id]),
    })
  }
  return list
}

export function sentence(known: Known, list: Need[], unreachable: boolean): Sentence {
  if (unreachable) return { text: 'The hub does not answer', tone: 'bad' }
  const { status } = known
  if (status === null) return { text: 'Looking…', tone: 'quiet' }
  const worst = list[0]
  if (worst !== undefined) {
    const more = list.length > 1 ? `, and ${plural(list.length - 1, 'more thing')}` : ''
    return { text: worst.text + more, tone: worst.tone }
  }
  if (status.cells === 0) return { text: 'Ready: no stock has been told yet', tone: 'quiet' }
  if (status.resets_applied === 0 && (known.resets ?? []).length === 0) {
    return {
      text: `${plural(status.locations, 'store')} heard of; no reset has confirmed their stock yet`,
      tone: 'quiet',
    }
  }
  return {
    text: status.locations === 1 ? 'The store is in sync' : `All ${plural(status.locations, 'store')} in sync`,
    tone: 'good',
  }
}
