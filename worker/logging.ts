import type { LogLevel, LogMetadata, Logger } from '@temporalio/common';
import pino, { type DestinationStream, type Logger as PinoLogger } from 'pino';
import { humanLine, type LogFormat } from './log-line';

const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
type Level = (typeof levels)[number];

/** The level a text names; `info` for none. */
export function logLevel(text: string | undefined): Level {
  return levels.find((level) => level === text?.toLowerCase()) ?? 'info';
}

/** Logs to stderr, a line at once so that nothing is lost when the process ends. */
export function createLogger(name: string, level: Level, format: LogFormat = 'json'): PinoLogger {
  return pino(
    { name, level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    standardError(format),
  );
}

/**
 * The log of what operations do on this host: a JSON line an event, appended to a file of mode 0600,
 * or a line in `format` to stderr. Written at once, as the steps it tells of may be the last of a
 * process.
 */
export function createOperationsLog(
  file: string | undefined,
  format: LogFormat = 'json',
): PinoLogger {
  const options = {
    name: 'holdfast-operations',
    base: {},
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (file === undefined) return pino(options, standardError(format));
  return pino(options, pino.destination({ dest: file, mkdir: true, mode: 0o600, sync: true }));
}

function standardError(format: LogFormat): DestinationStream {
  const stream = pino.destination({ fd: 2, sync: true });
  if (format === 'json') return stream;
  return { write: (line) => void stream.write(humanLine(line, format === 'coloured text')) };
}

const pinoLevels: Readonly<Record<LogLevel, Level>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** Temporal's logger, writing through ours, so that one process has one log. */
export class TemporalLogger implements Logger {
  constructor(private readonly target: PinoLogger) {}

  log(level: LogLevel, message: string, meta?: LogMetadata): void {
    this.target[pinoLevels[level]](printable(meta), message);
  }

  trace(message: string, meta?: LogMetadata): void {
    this.log('TRACE', message, meta);
  }

  debug(message: string, meta?: LogMetadata): void {
    this.log('DEBUG', message, meta);
  }

  info(message: string, meta?: LogMetadata): void {
    this.log('INFO', message, meta);
  }

  warn(message: string, meta?: LogMetadata): void {
    this.log('WARN', message, meta);
  }

  error(message: string, meta?: LogMetadata): void {
    this.log('ERROR', message, meta);
  }
}

/** JSON has no bigint (the SDK's timestamps), and pino prints errors only under `err`. */
function printable(meta: LogMetadata | undefined): Record<string, unknown> {
  const { error, ...rest }: Record<string, unknown> = meta ?? {};
  const fields: Record<string, unknown> = error === undefined ? {} : { err: error };
  for (const [key, value] of Object.entries<unknown>(rest)) {
    fields[key] = typeof value === 'bigint' ? String(value) : value;
  }
  return fields;
}
