import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { secondNamespace } from './temporal-server';

type Changes = Readonly<Record<string, object | string>>;

/** What to write into holdfast.yaml to compress with igzip, or why that can't be done here. */
export async function igzipSetting(): Promise<
  { readonly changes: Changes } | { readonly missing: string }
> {
  try {
    await promisify(execFile)('igzip', ['--version']);
  } catch {
    return { missing: 'there is no igzip on PATH' };
  }
  return {
    changes: { limits: { compressor: 'igzip' }, temporal: { namespace: secondNamespace } },
  };
}
