/** Interface for all components: read the view, change it, send messages to the host. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { FromPage } from './protocol.ts';
import type { View, ViewEvent } from './state.ts';

export interface Page {
  readonly view: View;
  dispatch(event: ViewEvent): void;
  post(message: FromPage): void;
}

export const PageContext = createContext<Page | undefined>(undefined);

/** Whether the workspace is trusted; if it is not, code is never applied to files. */
export const TrustContext = createContext(false);

/** The page around a component. */
export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error('A component stands outside of the page.');
  return page;
}

/** The address of a kept picture, below the folder that the host names in the page's HTML. */
export function pictureAddress(hash: string): string {
  return `${document.getElementById('root')!.dataset.pictures}/${hash}.png`;
}

/** Gives the composer the focus, so that the user can continue typing. */
export function focusComposer(): void {
  document.getElementById('composer')?.focus();
}
