/** What the preview's components are given. */
import type { Look } from './look.ts';
import type { FromPreview, PreviewState } from './protocol.ts';

export interface PreviewProps {
  state: PreviewState;
  code: string;
  look: Look;
  onLook(change: Partial<Look>): void;
  post(message: FromPreview): void;
}
