// The frame around every page: who is signed in, where one can go, whether the stream is live.
import { useEffect, useRef } from 'preact/hooks'
import type { ComponentType } from 'preact'
import { get, Problem } from './client'
import { liveState } from './live'
import { ActivityPage } from './pages/activity'
import { ChannelsPage } from './pages/channels'
import { InventoryPage } from './pages/inventory'
import { NowPage } from './pages/now'
import { ResetsPage } from './pages/resets'
import { SettingsPage } from './pages/settings'
import { SignIn } from './pages/sign_in'
import { StoresPage } from './pages/stores'
import { VariancesPage } from './pages/variances'
import { href, place } from './router'
import { me, signOut, token, type Me } from './session'
import { Badge } from './ui/badge'
import { ConfirmDialog, ToastLine } from './ui/confirm'
import { Empty } from './ui/states'
import { theme, nextTheme } from './theme'

interface Page {
  /** What stands behind '#/'. */
  name: string
  title: string
  show: ComponentType
}

/** Every page there is, in the order of the navigation. */
const pages: Page[] = [
  { name: '', title: 'Now', show: NowPage },
  { name: 'inventory', title: 'Inventory', show: InventoryPage },
  { name: 'resets', title: 'Resets', show: ResetsPage },
  { name: 'variances', title: 'Variances', show: VariancesPage },
  { name: 'stores', title: 'Stores', show: StoresPage },
  { name: 'channels', title: 'Channels', show: ChannelsPage },
  { name: 'activity', title: 'Activity', show: ActivityPage },
  { name: 'settings', title: 'Settings', show: SettingsPage },
]

const LIVE_WORDS = { live: 'live', connecting: 'connecting', broken: 'reconnecting' }

function Navigation({ current }: { current: string }) {
  const nav = useRef<HTMLElement>(null)
  // On a phone the row of pages is longer than the screen.
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [current])
  return (
    <nav aria-label="Pages" ref={nav}>
      <ul>
        {pages.map((page) => (
          <li key={page.name}>
            <a href={href(page.name)} aria-current={page.name === current ? 'page' : undefined}>
              {page.title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function Header({ current }: { current: string }) {
  return (
    <header class="top">
      <a class="brand" href="#/">
        Onhand
      </a>
      <Navigation current={current} />
      <div class="top-end">
        <span role="status">
          <Badge state={liveState.value} text={LIVE_WORDS[liveState.value]} />
        </span>
        <button type="button" class="plain" onClick={nextTheme} title="Light, dark, or as the system" aria-label={`Colours: ${theme.value}`}>
          <span class="minor">Colours: </span>
          {theme.value}
        </button>
        <button type="button" class="plain" onClick={() => signOut()}>
          <span class="minor quiet">{me.value?.name} · </span>Sign out
        </button>
      </div>
    </header>
  )
}

/** A token from before a reload is asked about before anything is shown. */
function useWhoAmI(): void {
  useEffect(() => {
    if (token.value === null || me.value !== null) return
    let ended = false
    const ask = async (): Promise<void> => {
      try {
        me.value = await get<Me>('/v1/me')
      } catch (error) {
        if (error instanceof Problem) signOut(error.message)
        else if (!ended) setTimeout(() => void ask(), 2000)
      }
    }
    void ask()
    return () => {
      ended = true
    }
  }, [token.value])
}

export function App() {
  useWhoAmI()
  if (token.value === null) return <SignIn />
  if (me.value === null) {
    return (
      <main class="page">
        <p role="status">Asking the hub who you are…</p>
      </main>
    )
  }
  const current = place.value.page
  const page = pages.find((candidate) => candidate.name === current)
  const Show = page?.show
  document.title = page && page.name ? `${page.title} – Onhand` : 'Onhand'
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Header current={current} />
      <main class="page" id="main" tabIndex={-1}>
        {Show ? (
          <Show key={current} />
        ) : (
          <Empty title="There is no such page.">
            <a href="#/">Go to Now</a>
          </Empty>
        )}
      </main>
      <ConfirmDialog />
      <ToastLine />
    </>
  )
}

/** The address belongs to the router, so the link only moves the focus. */
function skipToMain(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}
