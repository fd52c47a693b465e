import { render } from 'preact'
import 'uplot/dist/uPlot.min.css'
import './css/base.css'
import './css/parts.css'
import './css/pages.css'
import { App } from './shell.tsx'
import { sign_in } from './store.ts'
import { start_theme } from './theme.ts'

start_theme()
const kept = sessionStorage.getItem('token')
if (kept) void sign_in(kept)
render(<App />, document.getElementById('app')!)
