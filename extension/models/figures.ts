/** Figures as people read them, in the language of the window. */
import * as vscode from 'vscode';

/** Decimal units, as file managers and disks have them: "271 MB". */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  return `${numberText(value, unit > 2 && value < 99.5 ? 1 : 0)} ${units[unit]}`;
}

/** With the language's separators: "4,096". */
export function numberText(value: number, decimals = 0): string {
  return value.toLocaleString(vscode.env.language, {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** "40 s", "3 min", "2 h". */
export function timeText(seconds: number): string {
  const { t } = vscode.l10n;
  if (seconds < 90) return t('{0} s', Math.ceil(seconds));
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? t('{0} min', minutes) : t('{0} h', Math.round(minutes / 60));
}
