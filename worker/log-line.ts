import { escapeControl } from '../core/ids';

/** How log lines look: JSON for programs, or text for people, with colours or without. */
export type LogFormat = 'json' | 'text' | 'coloured text';

/**
 * What `HOLDFAST_LOG_FORMAT` (`json` or `text`) asks for; without it text on a terminal, JSON elsewhere.
 * @param terminal whether the lines go to a terminal
 */
export function logFormat(
  variables: Readonly<Record<string, string | undefined>>,
  terminal: boolean,
): LogFormat {
  const asked = variables['HOLDFAST_LOG_FORMAT'];
  if (asked === 'json' || (asked !== 'text' && !terminal)) return 'json';
  const plain = (variables['NO_COLOR'] ?? '') !== '' || variables['TERM'] === 'dumb';
  return terminal && !plain ? 'coloured text' : 'text';
}

/** Fields that are told otherwise, or that say nothing to a reader of one host's log. */
const untold: ReadonlySet<string> = new Set(
  (
    'level time pid name msg err event step operation code reason ' +
    'sdkComponent namespace taskQueue taskToken activityId isLocal workflowId'
  ).split(' '),
);

/**
 * A line of a JSON log as a line for people: `12:30:01 host WARN the message key=value`, and below it
 * the stack of an error. A line that is no JSON object stays as it is.
 */
export function humanLine(line: string, coloured: boolean): string {
  const fields = parsed(line);
  if (fields === undefined) return line;
  const { level, time, name, msg } = fields;
  const style = (code: number, text: string): string =>
    coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
  const rest = Object.entries(fields)
    .filter(([key, value]) => !untold.has(key) && value !== '' && value !== undefined)
    .map(([key, value]) => style(2, `${key}=${valueText(value)}`));
  const parts = [
    style(2, typeof time === 'string' ? time.slice(11, 19) : ''),
    plainText(name).replace(/^holdfast-/, ''),
    levelText(Number(level), style),
    escapeControl(plainText(msg)) + failureText(fields),
    ...rest,
  ];
  return `${[parts.filter((part) => part !== '').join(' '), ...stackLines(fields['err'])].join('\n')}\n`;
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** pino's numbers; 30 is the level that goes without saying. */
function levelText(level: number, style: (code: number, text: string) => string): string {
  if (level >= 50) return style(31, 'ERROR');
  if (level >= 40) return style(33, 'WARN');
  return level === 30 ? '' : 'DEBUG';
}

function failureText({ code, reason }: Readonly<Record<string, unknown>>): string {
  if (typeof code !== 'string') return '';
  return escapeControl(`: [${code}] ${typeof reason === 'string' ? reason : ''}`.trimEnd());
}

function plainText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return escapeControl(
    typeof value === 'string' && /[\s"=]/.test(text) ? JSON.stringify(text) : text,
  );
}

function stackLines(error: unknown): string[] {
  if (typeof error !== 'object' || error === null || !('stack' in error)) return [];
  return String(error.stack)
    .split('\n')
    .map((line) => `    ${escapeControl(line.replace(/^ {4}/, '  '))}`);
}
