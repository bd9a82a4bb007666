/** Icons in the colour of the text, and buttons that show only an icon. */

const PATHS = {
  add: 'M8 3v10M3 8h10',
  apply: 'M3 2.5h6l4 4v7H3zM5.5 9.5l2 2 3.5-4',
  changes: 'M8 2.5v7M4.5 6h7M4.5 13h7',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  close: 'M4 4l8 8M12 4l-8 8',
  command: 'M10.5 2.5l-5 11',
  continue: 'M5 3.5l7 4.5-7 4.5z',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  edit: 'M3 13l.6-2.8L11 2.8l2.2 2.2-7.4 7.4z',
  end: 'M8 3v9M4 8.5L8 12.5l4-4',
  export: 'M8 10.5V2.5M5 5l3-2.5L11 5M3 9v4.5h10V9',
  file: 'M3.5 2h6l3 3v9h-9zM9.5 2v3h3',
  folder: 'M2 4h4.5L8 5.5h6V13H2z',
  history: 'M3 4.5A6 6 0 1 1 2 8M3 2v2.8h2.8M8 5v3.2l2.2 1.3',
  instructions: 'M3 2.5h10v11H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h3',
  insert: 'M2.5 3h11M2.5 13h6M8 5v6M5.5 8.5L8 11l2.5-2.5',
  log: 'M3 4h10M3 8h10M3 12h6',
  newFile: 'M9 2H3.5v12h5M9 2l3.5 3.5V8M9 2v3.5h3.5M12 10v5M9.5 12.5h5',
  picture: 'M2 3h12v10H2zM2.5 12l3.5-4 2.5 2.5L10.5 8.5l3 3.5M5.5 5.2v.6',
  problems: 'M8 2.5l6 11H2zM8 6.5v3.5M8 11.5v.6',
  project: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.2 10.2L14 14',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13.2 2v3h-3',
  remove: 'M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.5 9h6l.5-9M7 7v4M9 7v4',
  replace: 'M2.5 3h11v4h-11zM5 11.5h6M8.5 9.5l2.5 2-2.5 2',
  selection: 'M8 2.5v11M6 2.5h4M6 13.5h4',
  send: 'M2.5 2.5L14 8 2.5 13.5 4.5 8zM4.5 8H9',
  server: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.6M5 11h.6',
  shield: 'M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4zM5.5 8l2 2 3-3.5',
  stop: 'M4 4h8v8H4z',
  symbol: 'M8 2l5.5 3v6L8 14l-5.5-3V5zM2.5 5L8 8l5.5-3M8 8v6',
  terminal: 'M2.5 3h11v10h-11zM5 6l2 2-2 2M8.5 10.5H11',
} as const;

export type IconName = keyof typeof PATHS;

/** An icon that screen readers skip. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

interface IconButtonProps {
  icon: IconName;
  /** Read out by screen readers, and shown as a tooltip. */
  label: string;
  disabled?: boolean;
  onClick(): void;
}

/** A button that shows only an icon. */
export function IconButton({ icon, label, disabled = false, onClick }: IconButtonProps) {
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} disabled={disabled} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
