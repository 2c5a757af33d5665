import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { schema } from '../config/schema';

type Changes = Readonly<Record<string, object | string>>;

/** The ways such a setting may be written. */
const spellings: readonly Changes[] = [
  { limits: { compression: 'igzip' } },
  { compression: 'igzip' },
  { compression: { program: 'igzip' } },
];

/** What to write into holdfast.yaml to compress with igzip, or why that can't be done here. */
export async function igzipSetting(): Promise<
  { readonly changes: Changes } | { readonly missing: string }
> {
  const storage = { type: 'file', path: '/tmp' };
  const changes = spellings.find((change) => schema.safeParse({ storage, ...change }).success);
  if (changes === undefined) return { missing: 'the configuration has no setting for igzip yet' };
  try {
    await promisify(execFile)('igzip', ['--version']);
  } catch {
    return { missing: 'there is no igzip on PATH' };
  }
  return { changes };
}
