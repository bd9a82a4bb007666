const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']; // prettier-ignore
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/**
 * Python's strftime in English, the language of the templates that ask for a date, for a time to the minute.
 * `now` is `YYYY-MM-DD HH:MM`. Throws where the format asks for something else.
 */
export function strftime(format: string, now: string): string {
  const [year, month, day, hour, minute] = now.split(/\D/).map(Number) as [number, number, number, number, number];
  const two = (value: number) => String(value).padStart(2, '0');
  const weekday = DAYS[dayOfWeek(year, month, day)]!;
  const directives: Readonly<Record<string, string>> = {
    Y: String(year),
    y: two(year % 100),
    m: two(month),
    d: two(day),
    B: MONTHS[month - 1]!,
    b: MONTHS[month - 1]!.slice(0, 3),
    A: weekday,
    a: weekday.slice(0, 3),
    H: two(hour),
    I: two(hour % 12 || 12),
    M: two(minute),
    p: hour < 12 ? 'AM' : 'PM',
    F: now.slice(0, 10),
    '%': '%',
  };
  return format.replace(/%(.?)/gsu, (_, name: string) => {
    const value = directives[name];
    if (value === undefined) throw new Error(`strftime_now() does not know %${name}`);
    return value;
  });
}

/** Zeller's congruence: 0 is Sunday. */
function dayOfWeek(year: number, month: number, day: number): number {
  const [y, m] = month < 3 ? [year - 1, month + 12] : [year, month];
  return (
    (day + Math.floor((13 * (m + 1)) / 5) + y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + 6) % 7
  );
}
