// The demo: a hub with its defaults, a real SFTP server, and a retailer that sells, drops a full file
// every night (a night is 30 seconds away), loses its line at two stores, and counts every cell.
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { HubClient, follow } from './hub_client.mjs'
import { drop, makeHome, memoryOf, startHub, startSftp, stop } from './processes.mjs'
import { Retailer } from './retailer.mjs'
import { Screen } from './screen.mjs'

const STORES = 50
const PRODUCTS = 5000
const NIGHT_MS = 30000
const DROP_AFTER_CUT_MS = 3000
const RESET_PATIENCE_MS = 60000
const TICK_MS = 20
const DRAW_MS = 250
const BASKETS_PER_SECOND = Number(process.env.DEMO_SALES ?? 400) / 2
const UNREPORTED_PER_SECOND = 20
const UNDER_WAY_MAX = 2000
const REPLAY_AT_ONCE = 500
const endAfterMs = Number(process.env.DEMO_SECONDS ?? Infinity) * 1000

const retailer = new Retailer({ stores: STORES, products: PRODUCTS })
const screen = new Screen()
const state = {
  cells: retailer.cells,
  told: 0,
  rate: 0,
  rates: [],
  latency: { p50: 0, p99: 0 },
  lag: 0,
  lines: [],
  statuses: { applied: 0, covered: 0, duplicate: 0 },
  file: 'the first one is on its way',
  wrong: null,
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

// ---- sales ----

/** Stores of the first half speak HotWax's UpdateInventory, the others send adjustments. */
const speaksHotwax = (sale) => sale.store < STORES / 2

const asUpdateInventory = (sale) => ({
  facilityId: retailer.codes[sale.store],
  idType: 'SKU',
  idValue: sale.sku,
  availableDelta: sale.delta,
  varianceReasonId: 'POS_SALE',
  transactionId: sale.id,
  effectiveDate: new Date(sale.at).toISOString(),
})

const asAdjustment = (sale) => ({
  id: sale.id,
  source: 'prism',
  type: 'sale',
  location: retailer.codes[sale.store],
  sku: sale.sku,
  delta: sale.delta,
  occurred_at: new Date(sale.at).toISOString(),
  register: `${retailer.codes[sale.store]}-R1`,
  sequence: sale.sequence,
})

function noteAnswer(sales, results) {
  const now = performance.now()
  for (const [i, sale] of sales.entries()) {
    const { status } = results[i]
    if (!(status in state.statuses)) throw new Error(`${sale.id}: ${JSON.stringify(results[i])}`)
    state.statuses[status]++
    if (sale.answered === Infinity) {
      sale.answered = now
      state.told++
    }
  }
}

async function tell(client, sales) {
  for (const sale of sales) if (sale.sent === Infinity) sale.sent = performance.now()
  if (speaksHotwax(sales[0])) {
    for (const sale of sales) {
      const answer = await client.tell(
        '/api/service/updateInventoryByIdentification',
        asUpdateInventory(sale),
      )
      noteAnswer([sale], [answer])
    }
  } else {
    const body = { adjustments: sales.map(asAdjustment) }
    noteAnswer(sales, (await client.tell('/v1/adjustments', body)).results)
  }
}

/** Twice, for the register cannot know whether the first time got through. */
async function replay(client, index) {
  const waiting = retailer.comeBack(index)
  for (let i = 0; i < waiting.length; i += REPLAY_AT_ONCE) {
    const sales = waiting.slice(i, i + REPLAY_AT_ONCE)
    await tell(client, sales)
    await tell(client, sales)
  }
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
    for (let i = 0; i < baskets; i++) this.sell()
    for (let i = retailer.poisson(UNREPORTED_PER_SECOND * seconds); i > 0; i--)
      retailer.unreported()
  }

  sell() {
    const sales = retailer.basket()
    if (sales.length === 0) return
    const store = retailer.stores[sales[0].store]
    if (store.line !== 'on') store.waiting.push(...sales)
    else this.run(tell(this.client, sales))
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
    for (const [index, store] of retailer.stores.entries())
      if (store.line !== 'on') this.replay(index)
    while (this.telling.size > 0) await Promise.all([...this.telling])
  }
}

// ---- lines: two stores lose theirs for every night, a third one is slow ----

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
      const half = STORES / 2
      const at = (share) => (day + share) * NIGHT_MS
      const [first, second, slow] = [0, 7, 13].map((n) => half + ((day * 3 + n) % half))
      this.plan.push({ at: at(0.4), run: () => retailer.goOffline(first) })
      this.plan.push({ at: at(0.5), run: () => retailer.goOffline(second) })
      this.plan.push({ at: at(0.85), run: () => retailer.goSlow(slow) })
      this.plan.push({ at: at(1.3), run: () => this.shops.replay(first) })
      this.plan.push({ at: at(1.33), run: () => this.shops.replay(second) })
      this.plan.push({ at: at(1.36), run: () => this.shops.replay(slow) })
    }
    for (const step of this.plan.filter((step) => step.at <= elapsed)) step.run()
    this.plan = this.plan.filter((step) => step.at > elapsed)
  }
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

/** Counts every cell of the hub against the truth, while sales go on. */
async function countCells(client, hub) {
  const { host, port, token } = hub
  const began = performance.now()
  const question = { hub: { host, port, token }, codes: retailer.codes, skus: retailer.skus }
  const { quantities } = await ask('count', question)
  const ended = performance.now()
  await client.settled()
  const { wrong, first } = retailer.wrong(quantities, began, ended)
  state.checks++
  state.wrong = Math.max(state.wrong ?? 0, wrong)
  if (first) state.file = `wrong: ${first}`
  return { wrong, first }
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
    client
      .get('/v1/status')
      .then((status) => (state.disk = status.disk_bytes))
      .catch(() => {})
  }, 1000)
  const frames = setInterval(() => {
    state.elapsed = performance.now() - began
    state.latency = client.percentiles()
    state.lines = retailer.stores
      .filter((store) => store.line !== 'on')
      .map(({ code, line, waiting }) => ({ code, line, waiting: waiting.length }))
    screen.draw(state)
  }, DRAW_MS)
  return () => {
    clearInterval(seconds)
    clearInterval(frames)
  }
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
    await countCells(client, hub).catch(fail)
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
  console.log('starting an SFTP server and a hub ...')
  const sftp = await startSftp()
  const hub = await startHub(sftp, retailer.codes)
  const client = new HubClient(hub)
  state.url = hub.url
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
  await clerk.terminate()
  screen.end()
  if (failure) console.error(`demo: ${failure.message}`)
  else if (!clean) console.error(`demo: the hub did not end well\n${hub.child.log}`)
  screen.summary(state)
  process.exit(failure || !clean || state.wrong !== 0 ? 1 : 0)
}

main().catch((error) => {
  screen.end()
  console.error(`demo: ${error.message}`)
  process.exit(1)
})
