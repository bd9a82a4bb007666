/** The preview of Screenshot to Code: draws what the host says, and reports what the user does. */
import { render } from 'preact';
import { setTexts } from '../texts.ts';
import { App } from './app.tsx';
import type { FromPreview, PreviewState, ToPreview } from './protocol.ts';
import { INITIAL, type Look } from './look.ts';

declare function acquireVsCodeApi(): {
  postMessage(message: FromPreview): void;
  getState(): Look | undefined;
  setState(state: Look): void;
};

const host = acquireVsCodeApi();
const root = document.getElementById('root')!;
let look: Look = { ...INITIAL, ...host.getState() };
let state: PreviewState | undefined;
let code = '';
let frame: number | undefined;

window.addEventListener('message', ({ origin, data }: MessageEvent<ToPreview>) => {
  // Scripts of the shown code may post messages, too; they have no origin.
  if (origin !== window.origin) return;
  if (data.type === 'code') code = data.code;
  else {
    state = data.state;
    setTexts(state.texts);
  }
  schedule();
});
host.postMessage({ type: 'ready' });

function schedule(): void {
  frame ??= requestAnimationFrame(draw);
}

function draw(): void {
  frame = undefined;
  if (!state) return;
  render(<App state={state} code={code} look={look} onLook={onLook} post={(said) => host.postMessage(said)} />, root);
}

/** Choices of the user that survive hiding and reloading the page. */
function onLook(change: Partial<Look>): void {
  look = { ...look, ...change };
  host.setState(look);
  schedule();
}
