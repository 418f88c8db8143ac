// The demo: a hub, a real SFTP server, and a retailer that runs a simulated Retail Pro Prism. Its
// tills send what they sell, the hub polls for what got lost, a full file is dropped every night (a
// night is 30 seconds away), two stores lose their line, a web shop is told what all of them have,
// and every cell is counted.
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { HubClient, follow } from './hub_client.mjs'
import { start as startPrism } from './prism/simulator.mjs'
import {
  PRISM_PASSWORD,
  drop,
  freePort,
  makeHome,
  memoryOf,
  startHub,
  startSftp,
  stop,
} from './processes.mjs'
import { Retailer } from './retailer.mjs'
import { Screen } from './screen.mjs'
import { WebShop } from './web_shop.mjs'

const STORES = 50
const PRODUCTS = 5000
const NIGHT_MS = 30000
const DROP_AFTER_CUT_MS = 3000
const RESET_PATIENCE_MS = 60000
const TICK_MS = 20
const DRAW_MS = 250
const BASKETS_PER_SECOND = Number(process.env.DEMO_SALES ?? 400) / 2
const OTHERS_PER_SECOND = 20
const LOST_SHARE = 0.03 // of the documents that tills send never arrive
const REMEMBERED_MS = 120000 // documents that the simulated Prism keeps
const CLOCK_GRAIN_MS = 10
const POLL_PATIENCE_MS = 30000
const ANSWERS = ['applied', 'covered', 'duplicate', 'ignored']
const UNDER_WAY_MAX = 2000
const REPLAY_AT_ONCE = 500
const endAfterMs = Number(process.env.DEMO_SECONDS ?? Infinity) * 1000

const clock = { now: Date.now } // Prism's
const prism = await startPrism({
  stores: Array.from({ length: STORES }, (_, i) => `S${String(i + 1).padStart(2, '0')}`),
  products: PRODUCTS,
  startingStock: 60,
  users: { hub: PRISM_PASSWORD },
  now: () => clock.now(),
})
const retailer = new Retailer(prism.world)
clock.now = () => retailer.now()
const web = new WebShop(prism.world.products)
const screen = new Screen()
const state = {
  cells: retailer.cells,
  told: 0,
  rate: 0,
  rates: [],
  latency: { p50: 0, p99: 0 },
  lag: 0,
  lines: [],
  lost: 0,
  polled: 0,
  duplicates: 0,
  parked: 0,
  file: 'the first one is on its way',
  wrong: null,
  shop: { url: '', lag: web.lag(), followed: null, waiting: 0, oldest: 0, figures: 0, wrong: null },
  tokenFile: '',
  checks: 0,
  nights: [],
  memory: 0,
  disk: 0,
  elapsed: 0,
  url: '',
}

// ---- the clerk's thread ----

const clerk = new Worker(new URL('./clerk.mjs', import.meta.url))
const asked = new Map()
clerk.on('message', ({ number, result, error }) => {
  const { resolve, reject } = asked.get(number)
  asked.delete(number)
  if (error) reject(new Error(error))
  else resolve(result)
})

function ask(task, argument) {
  const number = Math.random()
  return new Promise((resolve, reject) => {
    asked.set(number, { resolve, reject })
    clerk.postMessage({ number, task, argument })
  })
}

// ---- sales: what the hook in Prism's web client does with a finished document ----

const DOCUMENTS = '/v1/sources/prism/documents'

function noteAnswer(sales, { results }) {
  const now = Date.now()
  for (const result of results)
    if (!ANSWERS.includes(result.status)) throw new Error(JSON.stringify(result))
  for (const { fate, count } of sales) {
    fate.answered = now
    state.told += count
  }
}

/** What a document sold, followed to the shop. */
function followToShop(sale, at) {
  for (const { cell, milli } of sale.record.moves)
    if (milli < 0) web.sold(retailer.codes[sale.store], retailer.skus[cell % PRODUCTS], at)
}

/** Documents that are at hand as the web client has them. */
async function push(client, sales) {
  const now = Date.now()
  for (const { fate } of sales) fate.sent = now
  const texts = sales.map(({ record }) => prism.pushed(record))
  const body = texts.length === 1 ? texts[0] : `[${texts.join(',')}]`
  noteAnswer(sales, await client.tell(DOCUMENTS, body))
}

/** What the tills of a store kept while its line was down. */
async function replay(client, index) {
  const waiting = retailer.comeBack(index)
  for (let i = 0; i < waiting.length; i += REPLAY_AT_ONCE)
    await push(client, waiting.slice(i, i + REPLAY_AT_ONCE))
}

/** Customers come and go with the day. */
function basketsPerSecond(elapsed) {
  const phase = (elapsed % NIGHT_MS) / NIGHT_MS
  return BASKETS_PER_SECOND * (0.35 + 1.3 * Math.sin(Math.PI * phase) ** 2)
}

class Shops {
  constructor(client, fail) {
    this.client = client
    this.fail = fail
    this.telling = new Set()
  }

  start(began) {
    this.began = began
    this.last = performance.now()
    this.timer = setInterval(() => this.tick(), TICK_MS)
  }

  tick() {
    const now = performance.now()
    const seconds = Math.min(0.25, (now - this.last) / 1000)
    this.last = now
    if (this.telling.size > UNDER_WAY_MAX) return
    const baskets = retailer.poisson(basketsPerSecond(now - this.began) * seconds)
    for (let i = 0; i < baskets; i++) this.finish(retailer.basket())
    for (let i = retailer.poisson(OTHERS_PER_SECOND * seconds); i > 0; i--)
      this.finish(retailer.other())
  }

  /** A document is finished: sent at once, unless the store's line is down, or it gets lost. */
  finish(sale) {
    if (sale === null) return
    const line = retailer.lines[sale.store]
    if (line.off) line.waiting.push(sale)
    else if (retailer.random() < LOST_SHARE) state.lost += sale.count
    else {
      followToShop(sale, Date.now())
      this.run(push(this.client, [sale]))
    }
  }

  run(telling) {
    const done = telling.catch(this.fail).finally(() => this.telling.delete(done))
    this.telling.add(done)
  }

  replay(index) {
    this.run(replay(this.client, index))
  }

  async stop() {
    clearInterval(this.timer)
    for (const [index, line] of retailer.lines.entries()) if (line.off) this.replay(index)
    while (this.telling.size > 0) await Promise.all([...this.telling])
  }
}

// ---- lines: two stores lose theirs for every night ----

class Lines {
  constructor(shops) {
    this.shops = shops
    this.plan = []
    this.day = -1
  }

  /** Down from the middle of a day until after the night's file; others every day. */
  follow(elapsed) {
    const day = Math.floor(elapsed / NIGHT_MS)
    if (day !== this.day) {
      this.day = day
      const at = (share) => (day + share) * NIGHT_MS
      const [first, second] = [0, 25].map((n) => (day * 3 + n) % STORES)
      this.plan.push({ at: at(0.4), run: () => retailer.goOffline(first) })
      this.plan.push({ at: at(0.5), run: () => retailer.goOffline(second) })
      this.plan.push({ at: at(1.3), run: () => this.shops.replay(first) })
      this.plan.push({ at: at(1.33), run: () => this.shops.replay(second) })
    }
    for (const step of this.plan.filter((step) => step.at <= elapsed)) step.run()
    this.plan = this.plan.filter((step) => step.at > elapsed)
  }
}

// ---- what the hub's poller does ----

/** When the last poll that is through had begun: what headquarters knew by then, the hub knows. */
const polls = {
  began: 0,

  async look(client) {
    const source = await client.get('/v1/sources/prism')
    const { running, last_poll: last, last_success: success } = source.poll
    if (!running && success !== null && Date.parse(success) >= Date.parse(last))
      this.began = Math.max(this.began, Date.parse(last) - CLOCK_GRAIN_MS)
    state.polled = source.polled
    state.duplicates = source.duplicates
    state.parked = source.parked
  },

  /** Until the hub has polled everything there is now. */
  async through(client) {
    const wanted = Date.now()
    const until = wanted + POLL_PATIENCE_MS
    while (this.began <= wanted && Date.now() < until) {
      await sleep(200)
      await this.look(client)
    }
  },
}

// ---- the night ----

async function resetOf(client, name) {
  const until = Date.now() + RESET_PATIENCE_MS
  while (Date.now() < until) {
    const { items } = await client.get('/v1/resets?limit=3')
    const reset = items.find((item) => item.file === name && item.status !== 'applying')
    if (reset?.status === 'applied') return reset
    if (reset) throw new Error(`${name}: ${reset.status} ${JSON.stringify(reset.reasons)}`)
    await sleep(100)
  }
  throw new Error(`${name} was not taken within a minute`)
}

function questionFor({ host, port, token }) {
  return { hub: { host, port, token }, codes: retailer.codes, skus: retailer.skus }
}

/** Counts every cell of the hub against the truth, while sales go on. */
async function countCells(client, hub) {
  const began = Date.now()
  const polled = polls.began
  const { quantities } = await ask('count', questionFor(hub))
  const ended = Date.now()
  await client.settled()
  const { wrong, open, first } = retailer.wrong(quantities, began, ended, polled)
  state.checks++
  state.wrong = Math.max(state.wrong ?? 0, wrong)
  if (first) state.file = `wrong: ${first}`
  return { wrong, open }
}

/** With nothing on its way any more, every cell has one figure that is right. */
async function lastCount(client, hub) {
  await polls.through(client)
  const { open } = await countCells(client, hub)
  if (open > 0) throw new Error(`${open} movements are still on their way`)
  if (state.parked > 0) throw new Error(`${state.parked} documents were not understood`)
  const { sellable } = await ask('count', questionFor(hub))
  const wanted = new Map(retailer.skus.map((sku, i) => [sku, sellable[i]]))
  state.shop.wrong = await web.wrong(client, wanted)
}

async function night(client, hub, sftp, home, number) {
  const { asOf, quantities, manifest } = retailer.cut()
  const soldBefore = retailer.sold
  const stamp = new Date(asOf).toISOString().replace(/\D/g, '').slice(0, 14)
  const file = path.join(home, `inventory_${stamp}.csv`)
  const name = path.basename(file)
  state.file = `${name} is being written`
  const { codes, skus } = retailer
  manifest.sha256 = (await ask('writeFile', { file, codes, skus, quantities })).sha256
  const manifestFile = `${file}.manifest.json`
  await ask('writeText', { file: manifestFile, text: JSON.stringify(manifest) })
  await sleep(Math.max(0, asOf + DROP_AFTER_CUT_MS - Date.now()))
  state.file = `${name} on its way by SFTP`
  await drop(sftp, file, manifestFile)
  const reset = await resetOf(client, name)
  const soldSince = retailer.sold - soldBefore
  retailer.applied()
  prism.world.forget(Date.now() - REMEMBERED_MS)
  const { wrong } = await countCells(client, hub)
  const row = {
    number,
    asOf,
    rows: reset.rows,
    changed: reset.changed,
    seconds: reset.seconds,
    variance: reset.variance_units,
    soldSince,
    wrong,
  }
  state.nights.push(row)
  if (wrong === 0) state.file = `${name} applied, ${soldSince} sold since its cut`
  await ask('remove', { files: [file, manifestFile] })
  screen.night(row)
}

// ---- the whole ----

function watch(client, hub, began) {
  let toldBefore = 0
  const seconds = setInterval(() => {
    state.rate = state.told - toldBefore
    toldBefore = state.told
    state.rates.push(state.rate)
    state.memory = memoryOf(hub.child)
    Promise.all([
      client.get('/v1/status').then((status) => (state.disk = status.disk_bytes)),
      polls.look(client),
      web.look(client),
    ]).catch(() => {})
  }, 1000)
  const frames = setInterval(() => {
    state.elapsed = performance.now() - began
    state.latency = client.percentiles()
    state.shop.lag = web.lag()
    state.shop.followed = web.followed
    state.shop.figures = web.figures.size
    state.shop.waiting = web.channel?.pending ?? 0
    state.shop.oldest = web.channel?.oldest_pending_seconds ?? 0
    state.lines = retailer.codes
      .map((code, index) => ({ code, ...retailer.lines[index] }))
      .filter(({ off }) => off)
      .map(({ code, waiting }) => ({ code, waiting: waiting.length }))
    screen.draw(state)
  }, DRAW_MS)
  return () => {
    clearInterval(seconds)
    clearInterval(frames)
  }
}

/** The catalog: how Prism and the files call the same product. */
async function describeProducts(client) {
  const line = ({ sku, alu, upc, sid, name }) => JSON.stringify({ sku, alu, upc, sid, name })
  const body = prism.world.products.map(line).join('\n')
  await client.request('POST', '/v1/products', body, 'application/x-ndjson')
}

async function play(client, hub, sftp, home, ended) {
  let failure = null
  const fail = (error) => {
    failure ??= error
    ended.now()
  }
  const began = performance.now()
  const shops = new Shops(client, fail)
  const lines = new Lines(shops)
  const following = setInterval(() => lines.follow(performance.now() - began), 100)
  const unfollow = follow(hub, (_, lag) => (state.lag += (Math.max(0, lag) - state.lag) * 0.05))
  const unwatch = watch(client, hub, began)
  void hub.child.ended.then((code) => fail(new Error(`the hub ended: ${code}\n${hub.child.log}`)))
  shops.start(began)
  for (let number = 1; !ended.is; number++) {
    await night(client, hub, sftp, home, number).catch(fail)
    const next = began + number * NIGHT_MS
    while (!ended.is && performance.now() < next) await sleep(100)
  }
  clearInterval(following)
  if (!failure) {
    state.file = 'ending: the last sales come in, every cell is counted again'
    await shops.stop()
    await lastCount(client, hub).catch(fail)
  }
  unwatch()
  unfollow()
  if (failure) throw failure
}

async function main() {
  const home = makeHome()
  const ended = { is: false, now: () => (ended.is = true) }
  let interrupts = 0
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => (++interrupts > 1 ? process.exit(130) : ended.now()))
  process.on('SIGHUP', () => process.exit(129)) // the window was closed: nothing stays behind
  console.log('starting an SFTP server and a hub ...')
  const sftp = await startSftp()
  await web.start(await freePort(18500))
  const hub = await startHub(sftp, prism.url, web.url, retailer.codes)
  const client = new HubClient(hub)
  await describeProducts(client)
  state.url = hub.url
  state.shop.url = web.url
  state.tokenFile = path.join(hub.data, 'admin.token')
  screen.begin()
  if (endAfterMs !== Infinity) setTimeout(() => ended.now(), endAfterMs).unref()
  let failure = null
  try {
    await play(client, hub, sftp, home, ended)
  } catch (error) {
    failure = error
  }
  client.close()
  const clean = await stop(hub.child)
  await stop(sftp.child)
  await prism.stop()
  await web.stop()
  await clerk.terminate()
  screen.end()
  if (failure) console.error(`demo: ${failure.message}`)
  else if (!clean) console.error(`demo: the hub did not end well\n${hub.child.log}`)
  screen.summary(state)
  process.exit(failure || !clean || state.wrong !== 0 || state.shop.wrong !== 0 ? 1 : 0)
}

main().catch((error) => {
  screen.end()
  console.error(`demo: ${error.message}`)
  process.exit(1)
})
