// A shop's page, as its customers see it: what is in stock, and when it last changed; the newest
// first. Plain HTML in the colours of the reader's system, which asks for news by itself.

const ROWS = 24

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
const two = (n) => String(n).padStart(2, '0')

/** 12:00:00.135, where the shop is. */
export function clock(ms) {
  const at = new Date(ms)
  const parts = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two)
  return `${parts.join(':')}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

/** {places, products, changes, rows: [{name, sku, place, quantity, was, at}]} of a shop. */
export function news(shop) {
  const changed = [...shop.changed.values()].slice(-ROWS).reverse()
  const seen = new Set(changed.map(({ place, sku }) => `${place} ${sku}`))
  const all = shop.rows()
  const others = all.filter(({ place, sku }) => !seen.has(`${place} ${sku}`)).slice(0, ROWS - changed.length)
  const names = new Map(all.map(({ sku, name }) => [sku, name ?? sku]))
  return {
    places: all.some(({ place }) => place !== ''),
    figures: all.length,
    changes: shop.changes,
    rows: [...changed, ...others].map((row) => ({ ...row, name: names.get(row.sku), clock: row.at ? clock(row.at) : '' })),
  }
}

const style = `
:root { color-scheme: light dark; --line: #d7dbe0; --soft: #5d6670; --fresh: #d6f0dd; --ink: #16191d; --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --line: #33393f; --soft: #9aa4ad; --fresh: #1f4a2e; --ink: #e8ebee; --paper: #15181b } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: var(--ink); background: var(--paper) }
h1 { font-size: 1.5rem; margin: 0 } p { color: var(--soft); margin: .2rem 0 1.2rem }
table { border-collapse: collapse; width: 100% } caption { text-align: left; color: var(--soft); padding-bottom: .4rem }
th, td { text-align: left; padding: .3rem .8rem; border-bottom: 1px solid var(--line) }
th { font-weight: 600; color: var(--soft) } .n { text-align: right; font-variant-numeric: tabular-nums }
tr.fresh td { animation: fresh 2s ease-out } @keyframes fresh { from { background: var(--fresh) } }
@media (prefers-reduced-motion: reduce) { tr.fresh td { animation: none } }`

// Runs in the reader's browser. Texts go in as text, never as HTML.
const script = `
let known = new Map()
async function look() {
  try {
    const shop = await (await fetch('stock')).json()
    document.getElementById('count').textContent = shop.figures.toLocaleString('en-US') + ' figures, ' + shop.changes.toLocaleString('en-US') + ' changes so far'
    const body = document.querySelector('tbody'), next = new Map()
    const fresh = shop.rows.filter((row) => row.at && known.get(row.place + ' ' + row.sku) !== row.at).length
    body.replaceChildren(...shop.rows.map((row) => {
      const line = document.createElement('tr'), key = row.place + ' ' + row.sku
      const cells = [row.name, row.sku, ...(shop.places ? [row.place] : []), row.quantity > 0 ? row.quantity : 'sold out', row.clock]
      cells.forEach((text, i) => {
        const cell = document.createElement('td')
        cell.textContent = text
        if (i >= cells.length - 2) cell.className = 'n'
        line.append(cell)
      })
      // Where nearly all are new, none stands out.
      if (known.size > 0 && fresh < shop.rows.length / 2 && row.at && known.get(key) !== row.at) line.className = 'fresh'
      next.set(key, row.at)
      return line
    }))
    known = new Map([...known, ...next])
    if (known.size > 5000) known = next
  } catch { document.getElementById('count').textContent = 'the shop does not answer' }
  setTimeout(look, 500)
}
look()`

export function page(shop) {
  const { places, figures, changes, rows } = news(shop)
  const lines = rows.map((row) => `<tr><td>${escape(row.name)}</td><td>${escape(row.sku)}</td>${places ? `<td>${escape(row.place)}</td>` : ''}` +
    `<td class="n">${row.quantity > 0 ? row.quantity : 'sold out'}</td><td class="n">${row.clock}</td></tr>`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(shop.title)}</title><link rel="icon" href="data:,"><style>${style}</style>
<noscript><meta http-equiv="refresh" content="1"></noscript>
<h1>${escape(shop.title)}</h1><p id="count">${figures} figures, ${changes} changes so far</p>
<table><caption>What changed last comes first</caption>
<thead><tr><th>Product</th><th>SKU</th>${places ? '<th>Place</th>' : ''}<th class="n">In stock</th><th class="n">Updated</th></tr></thead>
<tbody>${lines.join('')}</tbody></table><script>${script}</script></html>`
}
