// Inventory: find a product by whatever is known of it, and see it in every store, live.
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import { get, send } from '../client'
import { useLoaded } from '../data'
import { ExplainPage } from './explain'
import { count, plural, quantity } from '../format'
import { listen } from '../live'
import { go, href, place, requery } from '../router'
import type { Cell, CloudEvent, Page, Product } from '../types'
import { say } from '../ui/confirm'
import { Empty, Failed, Loading, Whatever } from '../ui/states'
import { Table, type Column } from '../ui/table'
import { Ago } from '../ui/time'
import { StoreMap } from '../ui/store_map'

const FOUND_MOST = 50
const CELLS_PER_PAGE = 10_000
const SEARCH_AFTER_MS = 150

/** A SKU for an address; products of a namespace carry it behind an @. */
const skuOf = (product: Product): string => product.sku ?? product.identifiers[0]?.value ?? ''

export function InventoryPage() {
  const { rest, query } = place.value
  if (rest.length === 2) return <ExplainPage key={rest.join('/')} />
  const sku = query.get('sku')
  return sku === null ? <Search /> : <OneProduct key={sku} sku={sku} />
}

// ---- finding ----

function Search() {
  const asked = place.value.query.get('q') ?? ''
  const [text, setText] = useState(asked)
  useEffect(() => {
    if (text === asked) return
    const timer = setTimeout(() => requery({ q: text }), SEARCH_AFTER_MS)
    return () => clearTimeout(timer)
  }, [text, asked])
  const found = useLoaded<Page<Product>>('/v1/products', { q: asked, limit: FOUND_MOST })
  return (
    <>
      <h1>Inventory</h1>
      <div class="toolbar">
        <label class="search">
          SKU, barcode or name
          <input
            type="search"
            value={text}
            autoFocus
            spellcheck={false}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <ExportButton query={{}} file="inventory.csv" />
      </div>
      <div class="card">
        <Whatever of={found} what="products">
          {(page) => <Found page={page} asked={asked} />}
        </Whatever>
      </div>
    </>
  )
}

const productColumns: Column<Product>[] = [
  { title: 'SKU', render: (p) => <a href={href('inventory', [], { sku: skuOf(p) })}>{skuOf(p)}</a> },
  { title: 'Name', render: (p) => p.name ?? '' },
  {
    title: 'Other identifiers',
    minor: true,
    render: (p) =>
      p.identifiers
        .filter((id) => id.value !== p.sku)
        .map((id) => `${id.type} ${id.value}`)
        .join(', '),
  },
  {
    title: 'Sold online',
    minor: true,
    render: (p) => (!p.active ? 'inactive' : p.published ? 'yes' : 'no'),
  },
]

function Found({ page, asked }: { page: Page<Product>; asked: string }) {
  if (page.items.length === 0) {
    return asked === '' ? (
      <Empty title="No products yet.">
        <p>
          They come with the first sale or file, or by <code>onhand catalog import FILE</code>.
        </p>
      </Empty>
    ) : (
      <Empty title={`Nothing is called “${asked}”.`}>
        <p>Each word is looked for in SKUs, barcodes, other identifiers and names.</p>
      </Empty>
    )
  }
  return (
    <>
      <Table
        rows={page.items}
        columns={productColumns}
        label="Products found"
        keyOf={(p) => skuOf(p)}
      />
      {page.next !== null && (
        <p class="quiet">The first {count(page.items.length)}: say more to see fewer.</p>
      )}
    </>
  )
}

// ---- one product in all stores ----

const cellColumns: Column<Cell>[] = [
  {
    title: 'Location',
    render: (c) => <a href={href('inventory', [c.location, c.sku])}>{c.location}</a>,
  },
  { title: 'On hand', numeric: true, render: (c) => <Figure value={c.on_hand} version={c.version} /> },
  { title: 'Reserved', numeric: true, minor: true, render: (c) => quantity(c.reserved) },
  { title: 'Available', numeric: true, render: (c) => <Figure value={c.available} /> },
  { title: 'Stated as of', minor: true, render: (c) => <Ago at={c.as_of} /> },
  { title: 'Changed', minor: true, render: (c) => <Ago at={c.updated_at} /> },
]

/** Flashes when its version changes: a live figure is seen to move. */
function Figure({ value, version }: { value: number; version?: number | undefined }) {
  return (
    <span key={version} class={value < 0 ? 'negative' : version === undefined ? '' : 'flash'}>
      {quantity(value)}
    </span>
  )
}

async function allCells(sku: string): Promise<Cell[]> {
  const cells: Cell[] = []
  let cursor: string | null = null
  do {
    const page: Page<Cell> = await get<Page<Cell>>('/v1/inventory', {
      sku,
      limit: CELLS_PER_PAGE,
      cursor,
    })
    cells.push(...page.items)
    cursor = page.next
  } while (cursor !== null)
  return cells
}

/** The product's cells, kept up to date by the stream. */
function useCells(sku: string): { cells: Cell[] | null; error: Error | null; reload: () => void } {
  const [cells, setCells] = useState<Cell[] | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const reload = useCallback(() => {
    allCells(sku).then(
      (all) => {
        setCells(all)
        setError(null)
      },
      (problem: Error) => setError(problem),
    )
  }, [sku])
  useEffect(() => {
    setCells(null)
    reload()
    return listen((events) => {
      const mine = events.filter((event) => event.data?.['sku'] === sku)
      if (mine.length > 0) setCells((old) => (old === null ? old : withChanges(old, mine)))
    })
  }, [sku, reload])
  return { cells, error, reload }
}

/** Exported for its test: changes put over cells, the newest version of each. */
export function withChanges(cells: Cell[], events: CloudEvent[]): Cell[] {
  const changed = new Map<string, Cell>()
  for (const event of events) {
    const data = event.data as unknown as Cell
    const old = changed.get(data.location)
    if (old === undefined || (data.version ?? 0) >= (old.version ?? 0)) {
      changed.set(data.location, { ...data, updated_at: event.time })
    }
  }
  const result = cells.map((cell) => {
    const change = changed.get(cell.location)
    changed.delete(cell.location)
    return change && (change.version ?? 0) >= (cell.version ?? 0) ? { ...cell, ...change } : cell
  })
  for (const cell of changed.values()) result.push({ ...cell, as_of: cell.as_of ?? null })
  return result
}

function OneProduct({ sku }: { sku: string }) {
  const product = useLoaded<Page<Product>>('/v1/products', { sku })
  const { cells, error, reload } = useCells(sku)
  const known = product.data?.items[0]
  const total = useMemo(() => sums(cells ?? []), [cells])
  return (
    <>
      <p>
        <a href={href('inventory')}>← Inventory</a>
      </p>
      <div class="toolbar">
        <h1>
          {sku} <span class="quiet">{known?.name}</span>
        </h1>
        <ExportButton query={{ sku }} file={`inventory-${sku}.csv`} />
      </div>
      {error && <Failed error={error} retry={reload} />}
      {cells === null ? (
        error === null && <Loading what="its stock" />
      ) : cells.length === 0 ? (
        <Empty title="No store has told anything of it yet." />
      ) : (
        <>
          <div class="grid figures">
            <Total name="On hand" value={total.on_hand} where={cells.length} />
            <Total name="Reserved" value={total.reserved} where={cells.length} />
            <Total name="Available" value={total.available} where={cells.length} />
          </div>
          <section class="card" aria-labelledby="product-map">
            <h2 id="product-map">Where it is available</h2>
            <StoreMap cells={cells} onOpen={(location) => go('inventory', [location, sku])} />
          </section>
          <div class="card">
            <Table
              rows={cells}
              columns={cellColumns}
              label={`${sku} by location`}
              keyOf={(c) => c.location}
            />
          </div>
        </>
      )}
    </>
  )
}

function Total({ name, value, where }: { name: string; value: number; where: number }) {
  return (
    <section class="card" aria-label={name}>
      <h2>{name}</h2>
      <p class={value < 0 ? 'figure negative' : 'figure'}>
        {quantity(value)} <span class="unit">units in {plural(where, 'location')}</span>
      </p>
    </section>
  )
}

function sums(cells: Cell[]): { on_hand: number; reserved: number; available: number } {
  // In thousandths, as the hub counts: sums of binary fractions would not come out even.
  const milli = (value: number): number => Math.round(value * 1000)
  const all = { on_hand: 0, reserved: 0, available: 0 }
  for (const cell of cells) {
    all.on_hand += milli(cell.on_hand)
    all.reserved += milli(cell.reserved)
    all.available += milli(cell.available)
  }
  return {
    on_hand: all.on_hand / 1000,
    reserved: all.reserved / 1000,
    available: all.available / 1000,
  }
}

// ---- export ----

function ExportButton({ query, file }: { query: Record<string, string>; file: string }) {
  const [busy, setBusy] = useState(false)
  const save = async (): Promise<void> => {
    setBusy(true)
    try {
      const answer = await send('/v1/inventory', { query: { ...query, format: 'csv' } })
      const link = document.createElement('a')
      link.href = URL.createObjectURL(await answer.blob())
      link.download = file.replace(/[^\w.-]+/g, '_')
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
    } catch (error) {
      say((error as Error).message, true)
    } finally {
      setBusy(false)
    }
  }
  return (
    <button type="button" disabled={busy} onClick={() => void save()}>
      {busy ? 'Reading…' : 'Export CSV'}
    </button>
  )
}
