// Feeds for tests: a configuration with some, one run to its end, and waiting for what comes of it.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { patience, scratch } from './lib.mjs'

/** The command line for a hub with these feeds: [{name, url, ...}]. */
export function feedArguments(feeds, timezone = 'America/New_York') {
  const file = path.join(scratch('config'), 'onhand.yaml')
  const lines = [`timezone: ${timezone}`, 'feeds:']
  for (const feed of feeds) {
    const pairs = Object.entries({ stable_for: '100ms', as_of: 'mtime', pattern: '*.csv', ...feed })
    lines.push(...pairs.map(([key, value], i) => `  ${i === 0 ? '-' : ' '} ${key}: ${JSON.stringify(value)}`))
  }
  writeFileSync(file, lines.join('\n') + '\n')
  return ['--config', file]
}

export async function feedState(hub, name) {
  return (await hub.json('GET', '/v1/feeds')).items.find((feed) => feed.name === name)
}

export async function startFeed(hub, name) {
  const job = encodeURIComponent(`feed:${name}`)
  for (let i = 0; i < 400 * patience; i++) {
    if ((await hub.call('POST', `/v1/jobs/${job}/run`)).status < 300) return
    await sleep(25)
  }
  throw new Error(`the feed ${name} cannot be started\n${hub.log}`)
}

/** Runs the feed and waits for the run's end: what GET /v1/feeds says of it. */
export async function runFeed(hub, name, seconds = 20) {
  const last = (await feedState(hub, name)).last_run
  await startFeed(hub, name)
  for (let i = 0; i < seconds * 40 * patience; i++) {
    const feed = await feedState(hub, name)
    if (!feed.running && feed.last_run !== last) return feed
    await sleep(25)
  }
  throw new Error(`the feed ${name} did not end\n${hub.log}`)
}

export async function until(what, condition, seconds = 20) {
  for (let i = 0; i < seconds * 40 * patience; i++) {
    if (await condition()) return
    await sleep(25)
  }
  assert.fail(`never: ${what}`)
}

/** Resets on record that came from the feed, by status: {applied: 1, duplicate: 0, ...}. */
export async function resetsOf(hub, name) {
  const counts = {}
  for (const reset of (await hub.json('GET', '/v1/resets', { query: { limit: 500 } })).items) {
    if (reset.feed === name) counts[reset.status] = (counts[reset.status] ?? 0) + 1
  }
  return counts
}
