// One screen that is redrawn in place; plain lines where there is no terminal.
import process from 'node:process'

const terminal = process.stdout.isTTY === true
const colours = terminal && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
const PLAIN_EVERY_MS = 5000
const WIDTH = 78
const SPARK_COLUMNS = 44
const NIGHTS_MOST = 5

const paint = (code) => (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : String(text))
const dim = paint('2')
const bold = paint('1')
const green = paint('32')
const red = paint('1;31')
const cyan = paint('36')
const yellow = paint('33')

const grouped = new Intl.NumberFormat('en-US')
const count = (n) => grouped.format(Math.round(n))
const left = (text, width) => String(text).padEnd(width)
const right = (text, width) => String(text).padStart(width)

function duration(ms) {
  const seconds = Math.floor(ms / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

const clock = (ms) => new Date(ms).toTimeString().slice(0, 8)
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`
const milliseconds = (ms) => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`

function sparkline(values, columns) {
  const blocks = '▁▂▃▄▅▆▇█'
  const shown = values.slice(-columns)
  const most = Math.max(1, ...shown)
  const line = shown.map((v) => blocks[Math.min(7, Math.floor((v / most) * 7.999))]).join('')
  return line.padStart(columns)
}

/** "label      value", the label dimmed. */
const field = (label, value) => `  ${dim(left(label, 12))}${value}`
const rule = dim('─'.repeat(WIDTH))

function cellsWrong(state) {
  const total = `of ${count(state.cells)}`
  if (state.wrong === null) return dim('counted after the first file')
  const figure = state.wrong === 0 ? green(bold('0')) : red(count(state.wrong))
  const times = ['', 'once', 'twice'][state.checks] ?? `${state.checks} times`
  return `${figure} ${total}   ${dim(`counted ${times}, each while sales went on`)}`
}

function linesOf(state) {
  if (state.lines.length === 0) return dim('all stores are on line')
  return state.lines
    .map(({ code, waiting }) => `${yellow(`${code} off line`)} ${dim(`${waiting} sales wait`)}`)
    .join('   ')
}

function nightRow(night) {
  const wrong = night.wrong === 0 ? green(right('0', 7)) : red(right(count(night.wrong), 7))
  return [
    `  ${right(night.number, 5)}`,
    right(clock(night.asOf), 10),
    right(count(night.rows), 10),
    right(count(night.changed), 9),
    right(night.seconds.toFixed(2), 9),
    night.number === 1 ? dim(right('first', 10)) : right(count(night.variance), 10),
    right(count(night.soldSince), 12),
    wrong,
  ].join('')
}

const nightHead = dim(
  '  night     as of      rows  changed  seconds  variance  sold since  wrong',
)

function shopLag({ lag, waiting, oldest }) {
  if (lag.count === 0) return dim('nothing is sold to the end yet')
  const late = waiting > 0 ? `   ${count(waiting)} ${dim(`wait, ${oldest.toFixed(1)} s the oldest`)}` : ''
  return `${milliseconds(lag.p50)} ${dim('half of them')}   ${milliseconds(lag.p99)} ${dim('99 %')}${late}`
}

function screen(state, rows) {
  const { p50, p99 } = state.latency
  const rate = `${right(count(state.rate), 6)}${dim('/s')}`
  const repeated = `${count(state.duplicates)} ${dim('told twice, counted once')}`
  const lost = `${count(state.lost)} ${dim('lost, for polling to find')}`
  const { shop } = state
  const room = Math.max(1, Math.min(NIGHTS_MOST, rows - 23))
  const nights = state.nights.slice(-room).map(nightRow)
  while (nights.length < room) nights.push('')
  const open = [
    field('the shop', cyan(shop.url)),
    field('the console', cyan(state.url)),
    field('its token', `${dim('in')} ${state.tokenFile}`),
  ]
  return [
    `  ${bold('Onhand')}  ${dim('50 stores, 5,000 products, a night every 30 seconds')}${right(
      duration(state.elapsed),
      WIDTH - 60,
    )}`,
    rule,
    field('sales', `${cyan(sparkline(state.rates, SPARK_COLUMNS))} ${rate}`),
    field('', `${count(state.told)} ${dim('told by the tills, and on disk')}`),
    field('answered in', `${milliseconds(p50)} ${dim('half of them')}   ${milliseconds(p99)} ${dim('99 %')}`),
    field('seen after', `${milliseconds(state.lag)} ${dim('by who follows the changes')}`),
    field('in the shop', shopLag(shop)),
    field('', shop.followed ?? dim('a sale will be followed from its till to the shop')),
    '',
    field('stores', linesOf(state)),
    field('caught', `${repeated}   ${lost}`),
    field('file', state.file.slice(0, WIDTH - 14)),
    '',
    field('cells wrong', cellsWrong(state)),
    rule,
    nightHead,
    ...nights,
    rule,
    ...open,
    field('hub', `${megabytes(state.memory)} ${dim('memory')}   ${megabytes(state.disk)} ${dim('disk   Ctrl-C ends everything')}`),
  ]
}

export class Screen {
  constructor() {
    this.shown = 0
    this.open = false
  }

  begin() {
    if (!terminal) return
    process.stdout.write('\x1b[?1049h\x1b[?25l\x1b[2J')
    this.open = true
    process.once('exit', () => this.end())
  }

  draw(state) {
    if (terminal) {
      const rows = (process.stdout.rows ?? 24) - 1
      const lines = screen(state, rows).slice(0, rows)
      process.stdout.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`)
    } else if (Date.now() - this.shown >= PLAIN_EVERY_MS) {
      if (this.shown === 0) console.log(`the shop: ${state.shop.url}   the console: ${state.url}`)
      this.shown = Date.now()
      const { p99 } = state.latency
      console.log(
        `${duration(state.elapsed)}  ${count(state.rate)} sales/s  p99 ${milliseconds(p99)}  ` +
          `told ${count(state.told)}  cells wrong: ${state.wrong ?? '-'} of ${count(state.cells)}`,
      )
      if (state.shop.followed) console.log(`          ${state.shop.followed}`)
    }
  }

  night(night) {
    if (terminal) return
    console.log(
      `night ${night.number}: as of ${clock(night.asOf)}, rows ${count(night.rows)}, ` +
        `changed ${count(night.changed)}, ${night.seconds.toFixed(2)} s, ` +
        `variance ${count(night.variance)} units, cells wrong ${count(night.wrong)}`,
    )
  }

  end() {
    if (!this.open) return
    this.open = false
    process.stdout.write('\x1b[?25h\x1b[?1049l')
  }

  /** After the screen is gone: what it came to. */
  summary(state) {
    const wrong = state.wrong === 0 ? green('0') : red(count(state.wrong ?? state.cells))
    console.log(
      `${count(state.told)} sales told, ${count(state.nights.length)} nights, ` +
        `${count(state.duplicates)} repeated and ${count(state.lost)} lost ones`,
    )
    const { lag, wrong: shopWrong, figures } = state.shop
    const apart = shopWrong === 0 ? green('0') : red(shopWrong === null ? 'not counted' : count(shopWrong))
    console.log(`cells wrong: ${wrong} of ${count(state.cells)}`)
    console.log(`shop wrong: ${apart} of ${count(figures)}`)
    console.log(
      `from a till to the shop: ${milliseconds(lag.p50)} for half of the last ${count(lag.count)} sales followed, ` +
        `${milliseconds(lag.p99)} for 99 %`,
    )
  }
}
